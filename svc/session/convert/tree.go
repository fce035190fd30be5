package convert

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A tree is a protocol message as the values that encoding/json writes: field
// names in camelCase as clients of the old service know them, enums by name,
// 64-bit numbers as text, bytes in base64. protojson is not used because it
// refuses text that is not UTF-8 and varies its spaces: whoever sends such text
// must not be able to make a message disappear.
type tree struct {
	secrets bool // false leaves out keys, hashes, paths and thumbnails
}

// maxDepth is where a tree ends: what is nested deeper is an attack.
const maxDepth = 24

func (t tree) message(m protoreflect.Message, depth int) any {
	if depth > maxDepth {
		return "…"
	}
	out := map[string]any{}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if t.secrets || !secret(f) {
			out[fieldName(f)] = t.field(f, v, depth)
		}
		return true
	})
	return out
}

func (t tree) field(f protoreflect.FieldDescriptor, v protoreflect.Value, depth int) any {
	switch {
	case f.IsMap():
		out := map[string]any{}
		v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			out[clean(k.String())] = t.value(f.MapValue(), v, depth)
			return true
		})
		return out
	case f.IsList():
		out := make([]any, v.List().Len())
		for i := range out {
			out[i] = t.value(f, v.List().Get(i), depth)
		}
		return out
	}
	return t.value(f, v, depth)
}

func (t tree) value(f protoreflect.FieldDescriptor, v protoreflect.Value, depth int) any {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return t.message(v.Message(), depth+1)
	case protoreflect.EnumKind:
		return enumName(f.Enum(), v.Enum())
	case protoreflect.BytesKind:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case protoreflect.StringKind:
		return clean(v.String())
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return strconv.FormatInt(v.Int(), 10)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return strconv.FormatUint(v.Uint(), 10)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return number(v.Float())
	}
	return v.Interface()
}

func enumName(e protoreflect.EnumDescriptor, n protoreflect.EnumNumber) any {
	if v := e.Values().ByNumber(n); v != nil {
		return string(v.Name())
	}
	return int32(n)
}

// number makes a float one that JSON has.
func number(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return f
}

// clean makes text one that a database and JSON can hold.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// secret tells the fields that open or locate media, or prove something to
// WhatsApp. All that are bytes are taken for one: keys, hashes, thumbnails,
// encrypted payloads.
func secret(f protoreflect.FieldDescriptor) bool {
	if f.Kind() == protoreflect.BytesKind {
		return true
	}
	switch name := strings.ToLower(string(f.Name())); {
	case strings.Contains(name, "directpath"), strings.Contains(name, "token"), strings.Contains(name, "enchandle"), strings.Contains(name, "signedurl"):
		return true
	case name == "url", name == "staticurl", name == "metadataurl", name == "dashmanifesturl":
		return f.ContainingMessage().Fields().ByName("mediaKey") != nil
	}
	return false
}

// fieldName turns a name of the protocol into one as JavaScript writes it:
// fileEncSHA256 is fileEncSha256, JPEGThumbnail is jpegThumbnail.
func fieldName(f protoreflect.FieldDescriptor) string {
	in := []rune(string(f.Name()))
	out := make([]rune, len(in))
	for i, r := range in {
		startsWord := i == 0 || !unicode.IsUpper(in[i-1]) || i+1 < len(in) && unicode.IsLower(in[i+1])
		out[i] = r
		if i == 0 || !startsWord {
			out[i] = unicode.ToLower(r)
		}
	}
	return string(out)
}
