package convert

import (
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"wamux/store"
)

// TestFromJSON reads the ways in which programs write the same message.
func TestFromJSON(t *testing.T) {
	want := &waE2E.Message{
		ImageMessage: &waE2E.ImageMessage{
			Caption: proto.String("sunset"), FileSHA256: []byte{1, 250, 3}, FileLength: proto.Uint64(1 << 33), Width: proto.Uint32(640), ViewOnce: proto.Bool(false),
			ContextInfo: &waE2E.ContextInfo{MentionedJID: []string{"1@lid"}, ForwardingScore: proto.Uint32(2)},
		},
		MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: []byte{1, 2}},
	}
	for name, text := range map[string]string{
		"base64":  `{"imageMessage":{"caption":"sunset","fileSha256":"AfoD","fileLength":"8589934592","width":640,"viewOnce":false,"contextInfo":{"mentionedJid":["1@lid"],"forwardingScore":2}},"messageContextInfo":{"messageSecret":"AQI="}}`,
		"buffers": `{"imageMessage":{"caption":"sunset","fileSha256":{"type":"Buffer","data":[1,250,3]},"fileLength":{"low":0,"high":2,"unsigned":true},"width":640,"viewOnce":false,"contextInfo":{"mentionedJid":["1@lid"],"forwardingScore":2},"hologram":1},"messageContextInfo":{"messageSecret":[1,2]}}`,
		"arrays":  `{"imageMessage":{"caption":"sunset","fileSHA256":{"0":1,"1":250,"2":3},"fileLength":8589934592,"width":"640","viewOnce":false,"contextInfo":{"mentionedJID":["1@lid"],"forwardingScore":2},"url":null},"messageContextInfo":{"messageSecret":"AQI"}}`,
	} {
		got, err := FromJSON(json.RawMessage(text))
		if err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: got %v %v, want %v", name, got, err, want)
		}
	}
}

// TestFromJSONRefuses names what cannot be read.
func TestFromJSONRefuses(t *testing.T) {
	deep := `{"imageMessage":`
	for range 3 * maxDepth {
		deep += `{"contextInfo":{"quotedMessage":{"imageMessage":`
	}
	for _, text := range []string{
		``, `{`, `[]`, `7`, `{"conversation":7}`, `{"imageMessage":"x"}`, `{"imageMessage":{"width":-1}}`, `{"imageMessage":{"width":4294967296}}`,
		`{"imageMessage":{"fileLength":1.5}}`, `{"imageMessage":{"fileLength":"99999999999999999999999"}}`, `{"imageMessage":{"mediaKey":[256]}}`,
		`{"imageMessage":{"mediaKey":{"1":1}}}`, `{"imageMessage":{"mediaKey":"%"}}`, `{"imageMessage":{"contextInfo":{"mentionedJid":"x"}}}`,
		`{"imageMessage":{"contextInfo":{"mentionedJid":[1]}}}`, `{"pollCreationMessage":{"options":["x"]}}`, `{"protocolMessage":{"type":"NOPE"}}`,
		`{"locationMessage":{"degreesLatitude":"north"}}`, `{"imageMessage":{"viewOnce":1}}`, deep,
	} {
		if _, err := FromJSON(json.RawMessage(text)); store.ErrorCode(err) != store.CodeInvalid {
			t.Errorf("%.60s: got %v, want an error of code invalid", text, err)
		}
	}
}

// FuzzFromJSON: whatever is given, a message comes of it that can be written, or
// an error; and what [JSON] writes of it reads as the same.
func FuzzFromJSON(f *testing.F) {
	for _, c := range contents() {
		if msg, err := Outgoing(c.content, uploaded); err == nil {
			f.Add([]byte(JSON(msg)))
		}
	}
	f.Add([]byte(`{"protocolMessage":{"type":0,"key":{"id":"x"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		msg, err := FromJSON(text)
		if err != nil {
			return
		}
		if _, err := proto.Marshal(msg); err != nil {
			t.Fatal(err)
		}
		first := JSON(msg)
		again, err := FromJSON(first)
		if err != nil || string(JSON(again)) != string(first) {
			t.Errorf("%v: got %s, want %s", err, JSON(again), first)
		}
		_, _ = Outgoing(store.Content{Type: "forward", Forward: &store.Forward{Message: text}}, nil)
		_, _ = Outgoing(store.Content{Type: "text", Text: "x", Reply: &store.Reply{Key: store.MessageKey{ID: "x"}, Message: text}}, nil)
	})
}
