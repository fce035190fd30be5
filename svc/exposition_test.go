package svc_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// scrape is what /metrics said once: kinds by family, and values by series, as in name{label="value"}.
type scrape struct {
	kinds  map[string]string
	series map[string]float64
}

var (
	helpLine   = regexp.MustCompile(`^# HELP ([a-z][a-z0-9_]*) ([A-Z0-9].*[.])$`)
	typeLine   = regexp.MustCompile(`^# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram)$`)
	sampleLine = regexp.MustCompile(`^([a-z][a-z0-9_]*)((?:\{(?:[a-z][a-z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)+\})?) ([^ ]+)$`)
	labelPair  = regexp.MustCompile(`([a-z][a-z0-9_]*)="((?:[^"\\]|\\.)*)"`)
)

// parseScrape reads the text format of Prometheus, strictly: each family has its HELP and its TYPE, once, before its samples, which
// stand together; no series comes twice; counters end in _total and are not negative; histograms are whole and grow.
func parseScrape(text string) (scrape, error) {
	s := scrape{map[string]string{}, map[string]float64{}}
	if !strings.HasSuffix(text, "\n") {
		return s, fmt.Errorf("the last line has no end")
	}
	var helped, family string
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		var err error
		switch help, kind, sample := helpLine.FindStringSubmatch(line), typeLine.FindStringSubmatch(line), sampleLine.FindStringSubmatch(line); {
		case help != nil:
			helped, family = help[1], ""
		case kind != nil:
			family, err = kind[1], s.begin(kind[1], kind[2], helped)
		case sample != nil:
			err = s.add(family, sample)
		default:
			err = fmt.Errorf("is nothing of the format")
		}
		if err != nil {
			return s, fmt.Errorf("line %d, %q: %w", n+1, line, err)
		}
	}
	return s, s.checkHistograms()
}

func (s scrape) begin(name, kind, helped string) error {
	switch {
	case helped != name:
		return fmt.Errorf("has no HELP before it")
	case s.kinds[name] != "":
		return fmt.Errorf("comes twice")
	case (kind == "counter") != strings.HasSuffix(name, "_total"):
		return fmt.Errorf("a counter, and nothing else, ends in _total")
	}
	s.kinds[name] = kind
	return nil
}

func (s scrape) add(family string, sample []string) error {
	name, labels := sample[1], sample[2]
	value, err := strconv.ParseFloat(sample[3], 64)
	suffix, belongs := strings.CutPrefix(name, family)
	switch histogram := s.kinds[family] == "histogram"; {
	case err != nil:
		return err
	case family == "" || !belongs || !histogram && suffix != "" || histogram && !slices.Contains([]string{"_bucket", "_sum", "_count"}, suffix):
		return fmt.Errorf("is not of the family %q", family)
	case s.kinds[family] != "gauge" && value < 0:
		return fmt.Errorf("is negative")
	}
	if _, twice := s.series[name+labels]; twice {
		return fmt.Errorf("comes twice")
	}
	s.series[name+labels] = value
	return nil
}

// checkHistograms looks that the buckets of each grow, and that the last one is the count.
func (s scrape) checkHistograms() error {
	for family, kind := range s.kinds {
		if kind != "histogram" {
			continue
		}
		buckets := map[string][][2]float64{}
		for series, value := range s.series {
			if rest, ok := strings.CutPrefix(series, family+"_bucket{"); ok {
				others, bound := cutBound(rest)
				buckets[others] = append(buckets[others], [2]float64{bound, value})
			}
		}
		if len(buckets) == 0 {
			return fmt.Errorf("%s has no buckets", family)
		}
		for others, list := range buckets {
			if err := s.checkBuckets(family, others, list); err != nil {
				return fmt.Errorf("%s%s: %w", family, others, err)
			}
		}
	}
	return nil
}

func (s scrape) checkBuckets(family, others string, list [][2]float64) error {
	slices.SortFunc(list, func(a, b [2]float64) int {
		return strings.Compare(fmt.Sprintf("%020.6f", a[0]), fmt.Sprintf("%020.6f", b[0]))
	})
	for i := 1; i < len(list); i++ {
		if list[i][1] < list[i-1][1] {
			return fmt.Errorf("a bucket is smaller than the one before")
		}
	}
	count, counted := s.series[family+"_count"+others]
	_, summed := s.series[family+"_sum"+others]
	if last := list[len(list)-1]; !counted || !summed || last[0] != endless || last[1] != count {
		return fmt.Errorf("the last bucket is %v, the count %v (there: %v), the sum there: %v", last, count, counted, summed)
	}
	return nil
}

// endless stands for the bound that is none.
const endless = 1e12

// cutBound takes the bound out of the labels of a bucket.
func cutBound(labels string) (others string, bound float64) {
	var rest []string
	for _, pair := range labelPair.FindAllStringSubmatch(labels, -1) {
		if pair[1] != "le" {
			rest = append(rest, pair[0])
		} else if bound, _ = strconv.ParseFloat(pair[2], 64); pair[2] == "+Inf" {
			bound = endless
		}
	}
	if len(rest) == 0 {
		return "", bound
	}
	return "{" + strings.Join(rest, ",") + "}", bound
}

// labels are the values of a label, over all series, each once.
func (s scrape) labels(name string) []string {
	found := map[string]bool{}
	for series := range s.series {
		for _, pair := range labelPair.FindAllStringSubmatch(series, -1) {
			if pair[1] == name {
				found[pair[2]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// shrunk are the series that may only grow and did not, or are gone.
func (s scrape) shrunk(later scrape) (list []string) {
	for series, value := range s.series {
		name, _, _ := strings.Cut(series, "{")
		now, there := later.series[series]
		if only := s.kinds[name] == "counter" || s.kinds[name] == ""; only && (!there || now < value) {
			list = append(list, fmt.Sprintf("%s: %v, then %v", series, value, now))
		}
	}
	return list
}

// TestScrapeIsStrict holds the parser against texts that are wrong in one thing each.
func TestScrapeIsStrict(t *testing.T) {
	const right = "# HELP a_total So many.\n# TYPE a_total counter\na_total{x=\"y\"} 1\n# HELP h So long.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"10\"} 2\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
	if _, err := parseScrape(right); err != nil {
		t.Fatal(err)
	}
	for old, wrong := range map[string]string{
		"# HELP a_total So many.\n":  "",
		"# TYPE a_total counter\n":   "",
		"counter":                    "gauge",
		"{x=\"y\"} 1":                "{x=y} 1",
		"a_total{x=\"y\"} 1":         "a_total{x=\"y\"} one",
		"a_total{x=\"y\"} 1\n":       "a_total{x=\"y\"} 1\na_total{x=\"y\"} 1\n",
		"h_count 2":                  "h_count 3",
		"h_sum 3\n":                  "",
		"h_bucket{le=\"10\"} 2":      "h_bucket{le=\"10\"} 0",
		"h_bucket{le=\"+Inf\"} 2\n":  "",
		"# HELP h So long.":          "# HELP a_total So long.",
		"h_count 2\n":                "h_count 2",
		"# TYPE h histogram\nh_buck": "\n# TYPE h histogram\nh_buck",
	} {
		if _, err := parseScrape(strings.Replace(right, old, wrong, 1)); err == nil {
			t.Errorf("%q for %q is taken", wrong, old)
		}
	}
}
