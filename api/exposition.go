package api

import (
	"bytes"
	"strconv"
	"strings"

	"wamux/store/tally"
)

// exposition writes metrics in the text format of Prometheus, version 0.0.4. Families are begun with counter or gauge;
// their samples follow, then the next family.
type exposition struct {
	bytes.Buffer
	name string // of the family
}

const expositionType = "text/plain; version=0.0.4; charset=utf-8"

// label is a name and what it says of a sample.
type label struct{ name, value string }

func (e *exposition) family(kind, name, help string) {
	e.name = name
	e.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
}

// counter begins a family of what only grows; its name ends in _total.
func (e *exposition) counter(name, help string) { e.family("counter", name, help) }

// gauge begins a family of what is now.
func (e *exposition) gauge(name, help string) { e.family("gauge", name, help) }

// sample writes one value of the family.
func (e *exposition) sample(value float64, labels ...label) { e.line("", value, labels) }

// one writes a gauge that has no labels.
func (e *exposition) one(name, help string, value float64) {
	e.gauge(name, help)
	e.sample(value)
}

func (e *exposition) line(suffix string, value float64, labels []label) {
	e.WriteString(e.name + suffix)
	before, after := "{", ""
	for _, l := range labels {
		e.WriteString(before + l.name + `="` + escaped(l.value) + `"`)
		before, after = ",", "}"
	}
	e.WriteString(after + " " + number(value) + "\n")
}

// histogram writes the samples of a histogram, of a family of that kind.
func (e *exposition) histogram(r tally.Reading, labels ...label) {
	for i, n := range r.Counts {
		bound := "+Inf"
		if i < len(r.Bounds) {
			bound = number(r.Bounds[i])
		}
		e.line("_bucket", float64(n), append(labels[:len(labels):len(labels)], label{"le", bound}))
	}
	e.line("_sum", r.Sum, labels)
	e.line("_count", float64(r.Counts[len(r.Counts)-1]), labels)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s)
}
