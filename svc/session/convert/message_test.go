package convert

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"wamux/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what a test made with testdata/name.json.
func golden(t *testing.T, name string, got any) {
	t.Helper()
	b, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(b), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// readable is what entries say: without empty fields, and without the raw
// protobuf, which is looked at elsewhere.
func readable(t *testing.T, entries []store.Entry) []map[string]any {
	out := []map[string]any{}
	for _, e := range entries {
		shown := map[string]any{}
		put := func(name string, v any) {
			if m := fieldsOf(t, v); len(m) > 0 {
				shown[name] = m
			}
		}
		put("message", e.Message)
		put("receipt", e.Receipt)
		put("edit", e.Edit)
		put("revoke", e.Revoke)
		put("contact", e.Contact)
		put("chat", e.Chat)
		if e.Past {
			shown["past"] = true
		}
		for i, x := range e.Events {
			put(fmt.Sprint("event", i), x)
		}
		out = append(out, shown)
	}
	return out
}

func fieldsOf(t *testing.T, v any) map[string]json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "Raw")
	maps.DeleteFunc(all, func(_ string, v json.RawMessage) bool {
		return slices.Contains([]string{"null", "0", `""`, "false", `"0001-01-01T00:00:00Z"`}, string(v))
	})
	return all
}

func TestIncomingMessages(t *testing.T) {
	for name, evt := range kinds() {
		t.Run(name, func(t *testing.T) {
			entries := incoming("shop", own, evt)
			sound(t, entries)
			golden(t, "in_"+name, readable(t, entries))
			again := incoming("shop", own, evt)
			if diff := cmp.Diff(entries, again); diff != "" {
				t.Errorf("the same message twice differs: %s", diff)
			}
		})
	}
}

// Every golden file belongs to a case, so that none is a leftover.
func TestNoGoldenIsLeftOver(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	known := map[string]bool{}
	for name := range kinds() {
		known["in_"+name] = true
	}
	for name := range moments() {
		known["event_"+name] = true
	}
	for name := range contents() {
		known["out_"+name] = true
	}
	for name := range parts() {
		known["history_"+name] = true
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".json"); !known[name] {
			t.Errorf("%s belongs to no case; remove it", f)
		}
	}
}

// sound checks what holds for every entry, whatever came in.
func sound(t *testing.T, entries []store.Entry) {
	t.Helper()
	for _, e := range entries {
		for _, x := range e.Events {
			if x.Type == "" || x.Session == "" {
				t.Errorf("event without type or session: %+v", x)
			}
			public(t, x.Type, x.Data)
		}
		if m := e.Message; m != nil {
			if m.Type == "" || m.Session == "" || !utf8.ValidString(m.Text) || (len(e.Events) == 0) != e.Past {
				t.Errorf("row is not whole: %+v", m)
			}
			public(t, m.Type, m.Metadata)
			if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(m.Raw, new(waE2E.Message)); err != nil {
				t.Errorf("raw message cannot be read: %v", err)
			}
		}
	}
}

// public checks JSON that clients read: an object, without the secrets that the
// test messages carry.
func public(t *testing.T, what string, data json.RawMessage) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		t.Errorf("%s: %v in %s", what, err, data)
	}
	for _, secret := range []string{"SECRET", "U0VDUkVU"} { // as text and in base64
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s tells a secret: %s", what, data)
		}
	}
}

// TestRaw checks that what is needed to download media later is kept, and that
// group keys are not.
func TestRaw(t *testing.T) {
	row := incoming("shop", own, kinds()["image_view_once"])[0].Message
	msg := new(waE2E.Message)
	if err := proto.Unmarshal(row.Raw, msg); err != nil {
		t.Fatal(err)
	}
	if got := Unwrap(msg).GetImageMessage(); !proto.Equal(got, photo()) {
		t.Errorf("got %v, want the image as it came", got)
	}
	row = incoming("shop", own, kinds()["sender_key_and_text"])[0].Message
	if bytes.Contains(row.Raw, []byte("SECRET")) {
		t.Error("the raw message holds a group key")
	}
	row = incoming("shop", own, kinds()["text_from_phone"])[0].Message
	if err := proto.Unmarshal(row.Raw, msg); err != nil || msg.GetConversation() != "sent by hand" {
		t.Errorf("got %v %v, want the message without its cover", msg, err)
	}
	row = incoming("shop", own, kinds()["unknown"])[0].Message
	if !bytes.Contains(row.Raw, []byte("new")) {
		t.Error("the content of an unknown message is lost")
	}
}

// TestEveryFieldIsTold sets each field that the library's protocol has, alone,
// empty and filled: none may pass without a row or an event.
func TestEveryFieldIsTold(t *testing.T) {
	fields := (&waE2E.Message{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		for name, depth := range map[string]int{"empty": 0, "filled": 3} {
			t.Run(string(f.Name())+"/"+name, func(t *testing.T) {
				msg := &waE2E.Message{}
				fill(msg.ProtoReflect(), f, depth)
				entries := incoming("shop", own, with(direct(), msg))
				sound(t, entries)
				if baggage(f) {
					if len(entries) != 0 {
						t.Errorf("got %+v, want nothing", entries)
					}
					return
				}
				if len(entries) == 0 || len(entries[0].Events) == 0 {
					t.Fatal("nothing is told")
				}
				if m := entries[0].Message; m != nil && m.Type == "unknown" {
					t.Error("a field with a name is told as unknown")
				}
			})
		}
	}
}

// fill sets a field, and what is in it down to a depth.
func fill(m protoreflect.Message, f protoreflect.FieldDescriptor, depth int) {
	switch {
	case f.IsMap():
	case f.IsList():
		list := m.Mutable(f).List()
		if f.Message() == nil {
			list.Append(scalar(f))
			return
		}
		one := list.NewElement()
		fillAll(one.Message(), depth-1)
		list.Append(one)
	case f.Message() != nil:
		fillAll(m.Mutable(f).Message(), depth-1)
	default:
		m.Set(f, scalar(f))
	}
}

func fillAll(m protoreflect.Message, depth int) {
	if depth < 0 {
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fill(m, fields.Get(i), depth)
	}
}

func scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("text")
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("SECRET"))
	case protoreflect.EnumKind:
		values := f.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(values.Len() - 1).Number())
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(1.5)
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(1.5)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(7)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(7)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(7)
	}
	return protoreflect.ValueOfUint64(7)
}

// TestDeepNesting gives messages that wrap and quote themselves for ever.
func TestDeepNesting(t *testing.T) {
	covered, quoted := text("deep"), text("deep")
	for range 2000 {
		covered = &waE2E.Message{EphemeralMessage: future(covered)}
		quoted = &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{ContextInfo: &waE2E.ContextInfo{StanzaID: proto.String("x"), QuotedMessage: quoted}}}
	}
	for _, msg := range []*waE2E.Message{covered, quoted, {ViewOnceMessage: future(quoted)}, {MessageContextInfo: &waE2E.MessageContextInfo{}, EphemeralMessage: future(covered)}} {
		entries := incoming("shop", own, with(direct(), msg))
		sound(t, entries)
		if len(entries) != 1 || entries[0].Message == nil {
			t.Errorf("got %d entries, want one row", len(entries))
		}
	}
}

// TestSalvage: a converter that breaks must not make a message disappear.
func TestSalvage(t *testing.T) {
	entries := salvage("shop", own, with(direct(), text("hello")), "boom")
	sound(t, entries)
	if m := entries[0].Message; m == nil || m.Type != "unknown" || len(m.Raw) == 0 {
		t.Errorf("got %+v, want an unknown row with its content", m)
	}
	if entries := salvage("shop", own, 42, "boom"); entries[0].Events[0].Type != "unknown" {
		t.Errorf("got %+v", entries)
	}
}

// FuzzMessage feeds arbitrary bytes as a message: it never panics, and what has
// any content leaves something behind.
func FuzzMessage(f *testing.F) {
	for _, name := range slices.Sorted(maps.Keys(kinds())) {
		evt := kinds()[name]
		if d, ok := evt.(*Decrypted); ok {
			evt = d.Message
		}
		if b, err := proto.Marshal(messageOf(evt)); err == nil {
			f.Add(b, len(name)%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, group bool) {
		msg := new(waE2E.Message)
		if proto.Unmarshal(b, msg) != nil {
			return
		}
		info := direct()
		if group {
			info = inGroup()
		}
		entries := incoming("shop", own, with(info, msg))
		wellFormed(t, entries)
		inner := Unwrap(msg)
		if p := inner.GetProtocolMessage(); describe(inner).Type != "" && (p == nil || describe(inner).Type != "protocol") && len(entries) == 0 {
			t.Errorf("%x leaves nothing behind", b)
		}
		if !json.Valid(JSON(msg)) {
			t.Errorf("%x has no JSON", b)
		}
	})
}

// wellFormed is sound without the search for the test's own secrets.
func wellFormed(t *testing.T, entries []store.Entry) {
	for _, e := range entries {
		for _, x := range e.Events {
			if !json.Valid(x.Data) {
				t.Errorf("event data is no JSON: %s", x.Data)
			}
		}
		if m := e.Message; m != nil && (m.Type == "" || !utf8.ValidString(m.Text) || !json.Valid(m.Metadata)) {
			t.Errorf("row is not whole: %+v", m)
		}
	}
}

// TestNoSecretInRaw: what is kept of a message holds neither its secret nor a key
// of a group, however deep they are in it.
func TestNoSecretInRaw(t *testing.T) {
	armed := func(in *waE2E.Message) *waE2E.Message {
		in.MessageContextInfo = &waE2E.MessageContextInfo{MessageSecret: []byte("SECRET-MSG"), MessageAddOnDurationInSecs: proto.Uint32(7)}
		in.SenderKeyDistributionMessage = &waE2E.SenderKeyDistributionMessage{AxolotlSenderKeyDistributionMessage: []byte("SECRET-KEY")}
		return in
	}
	text := func() *waE2E.Message { return &waE2E.Message{Conversation: proto.String("hello")} }
	for name, msg := range map[string]*waE2E.Message{
		"plain":    armed(text()),
		"covered":  armed(&waE2E.Message{EphemeralMessage: future(armed(text()))}),
		"own":      {DeviceSentMessage: &waE2E.DeviceSentMessage{Message: armed(text())}, MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: []byte("SECRET-MSG")}},
		"in cover": {ViewOnceMessage: future(armed(text()))},
	} {
		kept := raw(msg)
		if bytes.Contains(kept, []byte("SECRET")) || !bytes.Contains(kept, []byte("hello")) {
			t.Errorf("%s: got %q", name, kept)
		}
		if whole, _ := proto.Marshal(msg); !bytes.Contains(whole, []byte("SECRET")) {
			t.Errorf("%s: the message itself was changed", name)
		}
	}
}
