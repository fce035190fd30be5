package api_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// schema is the part of JSON Schema that the document uses.
type schema struct {
	Ref         string `json:"$ref"`
	Type        any    // a word, or a list of words
	Description string
	Const       any
	Enum        []any
	Properties  map[string]schema
	Required    []string
	Items       *schema
	OneOf       []schema `json:"oneOf"`
	AllOf       []schema `json:"allOf"`
	Encoding    string   `json:"contentEncoding"`
}

// outline writes a schema as people write an object down: one field a line, ? after those that may be missing.
func outline(raw json.RawMessage) string {
	var s schema
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s.outline("")
}

func (s schema) outline(indent string) string {
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case len(s.OneOf) > 0:
		return join(s.OneOf, " or ", indent)
	case len(s.AllOf) > 0:
		return join(s.AllOf, " and ", indent)
	case s.Const != nil:
		return plainJSON(s.Const)
	case len(s.Enum) > 0:
		return words(s.Enum, plainJSON)
	case s.Items != nil:
		return "[" + s.Items.outline(indent) + "]"
	case len(s.Properties) > 0:
		return s.fields(indent)
	}
	return s.word()
}

func (s schema) fields(indent string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		field, optional := s.Properties[name], "?"
		if slices.Contains(s.Required, name) {
			optional = ""
		}
		b.WriteString(indent + "  " + name + optional + ": " + field.outline(indent+"  "))
		if field.Description != "" && field.Ref == "" {
			b.WriteString("  — " + field.Description)
		}
		b.WriteByte('\n')
	}
	return b.String() + indent + "}"
}

// word is a type without parts.
func (s schema) word() string {
	if s.Encoding != "" {
		return "base64"
	}
	switch t := s.Type.(type) {
	case string:
		return t
	case []any:
		return words(t, func(v any) string { text, _ := v.(string); return text })
	}
	return "anything"
}

func join(all []schema, between, indent string) string {
	var parts []string
	for _, one := range all {
		parts = append(parts, one.outline(indent))
	}
	return strings.Join(parts, between)
}

func words(values []any, write func(any) string) string {
	var parts []string
	for _, v := range values {
		parts = append(parts, write(v))
	}
	return strings.Join(parts, " | ")
}

func plainJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}
