package main

import (
	"fmt"
	"maps"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
)

// goItself is what the licences call the compiler's own library, which is in every binary.
const goItself = "The Go programming language and its library"

// book is the texts of licences by who has them: a module as "path version".
type book map[string][]string

// readBook reads what `wamux licenses` prints: sections behind a line of =, each with the names of those it is of, an empty
// line, and the text.
func readBook(text string) book {
	all := book{}
	for _, section := range strings.Split(text, "\n"+strings.Repeat("=", 80)+"\n")[1:] {
		names, terms, _ := strings.Cut(section, "\n\n")
		for _, name := range strings.Split(names, "\n") {
			all[name] = append(all[name], terms)
		}
	}
	return all
}

// covers tells whether each of these modules, and Go, has its licence in the book.
func (b book) covers(parts []debug.Module) error {
	names := []string{goItself}
	for _, m := range parts {
		names = append(names, m.Path+" "+m.Version)
	}
	for _, name := range names {
		if len(b[name]) == 0 {
			return fmt.Errorf("%s is in the binary, but its licence is not in svc/licenses.txt.gz: run go generate ./svc", name)
		}
	}
	return nil
}

// ids are the SPDX names of somebody's texts, sorted. A text that has no such name, as SQLite's gift to the public domain,
// gives none.
func (b book) ids(name string) []string {
	found := map[string]bool{}
	for _, text := range b[name] {
		for _, id := range licenceIDs(text) {
			found[id] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// holder is a line that says whose something is.
var holder = regexp.MustCompile(`(?m)^[\s*/#]*(Copyright.*[0-9]{4}.*)$`)

// holders are the lines about copyright in somebody's texts, each once.
func (b book) holders(name string) (lines []string) {
	for _, text := range b[name] {
		for _, found := range holder.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(lines, found[1]) {
				lines = append(lines, found[1])
			}
		}
	}
	return lines
}

// names are all who have licences in the book, sorted.
func (b book) names() []string { return slices.Sorted(maps.Keys(b)) }

// expression is one SPDX expression for everything in the book.
func (b book) expression() string {
	found := map[string]bool{}
	for name := range b {
		for _, id := range b.ids(name) {
			found[id] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(found)), " AND ")
}

// marks are words by which licences are known, in lower case and with single spaces.
var marks = []struct{ id, words string }{
	{"Apache-2.0", "apache license version 2.0"},
	{"GPL-3.0-only", "gnu general public license version 3"},
	{"ISC", "permission to use, copy, modify, and distribute this software for any purpose with or without fee"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee"},
	{"MIT", "permission is hereby granted, free of charge"},
	{"MPL-2.0", "mozilla public license version 2.0"},
}

// licenceIDs are the SPDX names of what is in a text, which may hold several licences.
func licenceIDs(text string) (ids []string) {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, m := range marks {
		if strings.Contains(text, m.words) {
			ids = append(ids, m.id)
		}
	}
	if !strings.Contains(text, "redistribution and use in source and binary forms") {
		return ids
	}
	if strings.Contains(text, "endorse or promote") {
		return append(ids, "BSD-3-Clause")
	}
	return append(ids, "BSD-2-Clause")
}
