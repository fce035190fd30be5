package convert

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

// FromJSON reads a protocol message as [JSON] and programs in JavaScript write
// it: field names without regard to case, enums by name or number, bytes in
// base64, as Buffer or as an array, long numbers as text or in two halves.
// Fields that the protocol does not have are ignored. Errors are
// [*store.Error] of code invalid and name the field.
func FromJSON(raw json.RawMessage) (*waE2E.Message, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // a long number must not become a float
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, invalid("The given message is not valid JSON")
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("The given message must be an object")
	}
	msg := new(waE2E.Message)
	return msg, fillMessage(msg.ProtoReflect(), fields, 0)
}

func fillMessage(m protoreflect.Message, fields map[string]any, depth int) error {
	if depth > maxDepth {
		return invalid("The given message is nested too deep")
	}
	for name, v := range fields {
		f := fieldNamed(m.Descriptor(), name)
		if f == nil || f.IsMap() || v == nil {
			continue
		}
		if err := fillField(m, f, v, depth); err != nil {
			return err
		}
	}
	return nil
}

func fieldNamed(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	all := d.Fields()
	for i := range all.Len() {
		if strings.EqualFold(string(all.Get(i).Name()), name) {
			return all.Get(i)
		}
	}
	return nil
}

func fillField(m protoreflect.Message, f protoreflect.FieldDescriptor, v any, depth int) error {
	if f.IsList() {
		return fillList(m.Mutable(f).List(), f, v, depth)
	}
	if f.Message() != nil {
		in, ok := v.(map[string]any)
		if !ok {
			return unreadable(f)
		}
		return fillMessage(m.Mutable(f).Message(), in, depth+1)
	}
	x, ok := scalarOf(f, v)
	if !ok {
		return unreadable(f)
	}
	m.Set(f, x)
	return nil
}

func fillList(list protoreflect.List, f protoreflect.FieldDescriptor, v any, depth int) error {
	items, ok := v.([]any)
	if !ok {
		return unreadable(f)
	}
	for _, item := range items {
		if f.Message() == nil {
			x, ok := scalarOf(f, item)
			if !ok {
				return unreadable(f)
			}
			list.Append(x)
			continue
		}
		in, ok := item.(map[string]any)
		if !ok {
			return unreadable(f)
		}
		if err := fillMessage(list.AppendMutable().Message(), in, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func unreadable(f protoreflect.FieldDescriptor) error {
	return invalid("The given message cannot be read: %s has a value of another kind", fieldName(f))
}

func scalarOf(f protoreflect.FieldDescriptor, v any) (protoreflect.Value, bool) {
	switch f.Kind() {
	case protoreflect.BoolKind:
		b, ok := v.(bool)
		return protoreflect.ValueOfBool(b), ok
	case protoreflect.StringKind:
		s, ok := v.(string)
		return protoreflect.ValueOfString(s), ok
	case protoreflect.BytesKind:
		b, ok := octets(v, 0)
		return protoreflect.ValueOfBytes(b), ok
	case protoreflect.EnumKind:
		return enum(f.Enum(), v)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return float(f, v)
	}
	return integer(f, v)
}

func enum(e protoreflect.EnumDescriptor, v any) (protoreflect.Value, bool) {
	if s, ok := v.(string); ok {
		if named := e.Values().ByName(protoreflect.Name(s)); named != nil {
			return protoreflect.ValueOfEnum(named.Number()), true
		}
	}
	n, ok := long(v)
	if !ok || !n.IsInt64() || n.Int64() != int64(int32(n.Int64())) {
		return protoreflect.Value{}, false
	}
	return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n.Int64())), true
}

func float(f protoreflect.FieldDescriptor, v any) (protoreflect.Value, bool) {
	text := ""
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	n, err := strconv.ParseFloat(text, 64)
	if f.Kind() == protoreflect.FloatKind {
		return protoreflect.ValueOfFloat32(float32(n)), err == nil
	}
	return protoreflect.ValueOfFloat64(n), err == nil
}

func integer(f protoreflect.FieldDescriptor, v any) (protoreflect.Value, bool) {
	n, ok := long(v)
	if !ok {
		return protoreflect.Value{}, false
	}
	switch f.Kind() {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(n.Int64())), n.IsInt64() && n.Int64() == int64(int32(n.Int64()))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n.Uint64())), n.IsUint64() && n.Uint64() <= 1<<32-1
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(n.Uint64()), n.IsUint64()
	}
	return protoreflect.ValueOfInt64(n.Int64()), n.IsInt64()
}

// long reads 5, "5" and {"low":5,"high":0,"unsigned":true}, the way in which
// JavaScript holds 64 bits.
func long(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case json.Number:
		return whole(v.String())
	case string:
		return whole(v)
	case map[string]any:
		low, ok1 := half(v["low"])
		high, ok2 := half(v["high"])
		n := new(big.Int).SetUint64(uint64(high)<<32 | uint64(low))
		if unsigned, _ := v["unsigned"].(bool); !unsigned {
			n.SetInt64(int64(uint64(high)<<32 | uint64(low)))
		}
		return n, ok1 && ok2
	}
	return nil, false
}

func whole(text string) (*big.Int, bool) {
	if len(text) > 20 { // no 64-bit number is longer, and the work on one grows faster than it
		return nil, false
	}
	return new(big.Int).SetString(text, 10)
}

func half(v any) (uint32, bool) {
	number, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Int64()
	return uint32(n), err == nil
}

// octets reads base64, [1,2], {"type":"Buffer","data":…} and {"0":1,"1":2}, the
// way in which JSON.stringify writes a Uint8Array.
func octets(v any, depth int) ([]byte, bool) {
	switch v := v.(type) {
	case string:
		text := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(v), "=")
		b, err := base64.RawStdEncoding.DecodeString(text)
		return b, err == nil
	case []any:
		return eachOctet(len(v), func(i int) any { return v[i] })
	case map[string]any:
		if data, ok := v["data"]; ok && depth == 0 {
			return octets(data, 1)
		}
		return eachOctet(len(v), func(i int) any { return v[strconv.Itoa(i)] })
	}
	return nil, false
}

func eachOctet(n int, at func(int) any) ([]byte, bool) {
	out := make([]byte, n)
	for i := range out {
		number, ok := at(i).(json.Number)
		x, err := strconv.ParseUint(number.String(), 10, 8)
		if !ok || err != nil {
			return nil, false
		}
		out[i] = byte(x)
	}
	return out, true
}
