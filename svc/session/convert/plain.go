package convert

import (
	"encoding"
	"reflect"
	"strings"

	"google.golang.org/protobuf/proto"
)

// plain turns a value of any Go type into one that JSON has, for events of
// types that nobody wrote a converter for. Bytes and whatever is named like a
// secret are left out.
func plain(v reflect.Value, depth int) any {
	if !v.IsValid() || depth > maxDepth || !v.CanInterface() {
		return nil
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	switch x := v.Interface().(type) {
	case proto.Message:
		return remains(x)
	case encoding.TextMarshaler:
		b, _ := x.MarshalText()
		return clean(string(b))
	case error:
		return nil // foreign text
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return plain(v.Elem(), depth+1)
	case reflect.Struct:
		return plainStruct(v, depth)
	case reflect.Slice, reflect.Array:
		return plainList(v, depth)
	case reflect.Map:
		return plainMap(v, depth)
	}
	return plainScalar(v)
}

func plainScalar(v reflect.Value) any {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.CanFloat():
		return number(v.Float())
	case v.Kind() == reflect.Bool:
		return v.Bool()
	case v.Kind() == reflect.String:
		return clean(v.String())
	}
	return nil
}

func plainStruct(v reflect.Value, depth int) any {
	out := meta{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || secretName(f.Name) {
			continue
		}
		if x := plain(v.Field(i), depth+1); x != nil {
			out[strings.ToLower(f.Name[:1])+f.Name[1:]] = x
		}
	}
	return out
}

func plainList(v reflect.Value, depth int) any {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return nil
	}
	out := make([]any, v.Len())
	for i := range out {
		out[i] = plain(v.Index(i), depth+1)
	}
	return out
}

func plainMap(v reflect.Value, depth int) any {
	out := meta{}
	for it := v.MapRange(); it.Next(); {
		if k := it.Key(); k.Kind() == reflect.String && !secretName(k.String()) {
			out[clean(k.String())] = plain(it.Value(), depth+1)
		}
	}
	return out
}

func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"secret", "token", "key", "password", "hash", "directpath"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
