package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// group is a file of budgets.
type group struct {
	name string

	// Title is printed above the rows, About below them: what the numbers mean.
	Title, About string
	// Bench is the pattern of its Go benchmarks, Benchtime how long each runs.
	Bench, Benchtime string
	// Run is a program to run instead.
	Run []string
	// Rounds is how often all of it runs.
	Rounds int
	Rows   []row
}

// row is one comparison.
type row struct {
	// Work says what is done.
	Work string
	// Ours and Peer are names of benchmarks, without "Benchmark". Without a
	// peer, ours itself is compared.
	Ours, Peer string
	// Metric is a unit that the benchmarks report, such as "ns/op".
	Metric string
	// Most and Least are the budget; a row without one only informs.
	Most, Least *float64
}

var errNoGroup = errors.New("no group has this name")

// loadGroups reads the files of dir whose name matches.
func loadGroups(dir string, match *regexp.Regexp) ([]*group, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var groups []*group
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if !match.MatchString(name) {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		g, err := parseGroup(name, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		groups = append(groups, g)
	}
	if len(groups) == 0 {
		return nil, errNoGroup
	}
	return groups, nil
}

func parseGroup(name string, b []byte) (*group, error) {
	g := &group{name: name}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(g); err != nil {
		return nil, err
	}
	if g.Title == "" || (g.Bench == "") == (len(g.Run) == 0) || g.Rounds < 1 || len(g.Rows) == 0 {
		return nil, errors.New("a group has a title, rounds, rows, and either bench or run")
	}
	for _, r := range g.Rows {
		if r.Work == "" || r.Ours == "" || r.Metric == "" || r.Most != nil && r.Least != nil {
			return nil, fmt.Errorf("row %q: work, ours, metric and at most one bound", r.Work)
		}
	}
	return g, nil
}

// verdict of a row.
type verdict string

const (
	informs verdict = ""
	ok      verdict = "ok"
	over    verdict = "OVER"
	unclear verdict = "unclear" // the bound lies within the noise
)

// measured is what the rounds say of a row.
type measured struct {
	ours, peer  float64 // medians; peer is 0 without one
	value       float64 // what is compared: the ratio, or ours
	low, high   float64 // its quartiles
	best        float64 // the same of the best rounds of each side
	verdict     verdict
	withoutPeer bool
}

func (r row) measure(s samples) (measured, error) {
	ours, err := s.of(r.Ours, r.Metric)
	if err != nil {
		return measured{}, err
	}
	m := measured{ours: quantile(ours, 0.5), best: r.best(ours), withoutPeer: r.Peer == ""}
	values := ours
	if r.Peer != "" {
		peer, err := s.of(r.Peer, r.Metric)
		if err != nil {
			return measured{}, err
		}
		if len(peer) != len(ours) {
			return measured{}, fmt.Errorf("%s: %d results beside %d of %s", r.Ours, len(ours), len(peer), r.Peer)
		}
		m.peer, m.best = quantile(peer, 0.5), m.best/r.best(peer)
		values = make([]float64, len(ours))
		for i := range ours {
			values[i] = ours[i] / peer[i]
		}
	}
	m.value, m.low, m.high = quantile(values, 0.5), quantile(values, 0.25), quantile(values, 0.75)
	switch {
	case r.Most != nil:
		m.verdict = judge(m.value, m.low, *r.Most)
	case r.Least != nil:
		m.verdict = judge(-m.value, -m.high, -*r.Least)
	}
	return m, nil
}

// best is the least time or amount per operation, or the most of something
// per second.
func (r row) best(values []float64) float64 {
	if strings.HasSuffix(r.Metric, "/s") {
		return slices.Max(values)
	}
	return slices.Min(values)
}

// judge compares the median with an upper bound; best is the quartile on the
// good side.
func judge(median, best, most float64) verdict {
	switch {
	case median <= most:
		return ok
	case best <= most:
		return unclear
	default:
		return over
	}
}

// quantile of values, interpolated.
func quantile(values []float64, q float64) float64 {
	v := slices.Sorted(slices.Values(values))
	at := q * float64(len(v)-1)
	i := int(at)
	if i+1 == len(v) {
		return v[i]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}

// print writes the group's rows and returns how many are over budget.
func (g *group) print(out io.Writer, s samples) (overBudget int, err error) {
	lines := [][]string{{g.Title, "ours", "peer", "ratio", "noise", "best", "budget", ""}}
	for _, r := range g.Rows {
		m, err := r.measure(s)
		if err != nil {
			return overBudget, err
		}
		if m.verdict == over {
			overBudget++
		}
		lines = append(lines, r.cells(m))
	}
	width := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, c := range l {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	var text strings.Builder
	for _, l := range lines {
		line := fmt.Sprintf("%-*s", width[0], l[0])
		for i, c := range l[1:] {
			line += fmt.Sprintf("  %*s", width[i+1], c)
		}
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if g.About != "" {
		text.WriteString(g.About + "\n")
	}
	_, err = fmt.Fprintf(out, "%s(%d rounds)\n\n", text.String(), g.Rounds)
	return overBudget, err
}

func (r row) cells(m measured) []string {
	noise := ""
	if m.value != 0 {
		noise = fmt.Sprintf("±%.0f %%", 100*(m.high-m.low)/2/math.Abs(m.value))
	}
	peer, ratio, best := "", "", amount(m.best, r.Metric)
	show := func(v float64) string { return amount(v, r.Metric) }
	if !m.withoutPeer {
		show = func(v float64) string { return fmt.Sprintf("%.2f", v) }
		peer, ratio, best = amount(m.peer, r.Metric), show(m.value), show(m.best)
	}
	budget := ""
	switch {
	case r.Most != nil:
		budget = "≤ " + show(*r.Most)
	case r.Least != nil:
		budget = "≥ " + show(*r.Least)
	}
	return []string{"  " + r.Work, amount(m.ours, r.Metric), peer, ratio, noise, best, budget, string(m.verdict)}
}

// amount writes a value of a metric for people.
func amount(v float64, metric string) string {
	unit, isTime := strings.CutSuffix(strings.TrimSuffix(metric, "/op"), "ns")
	if !isTime && v == math.Trunc(v) && math.Abs(v) < 1e15 { // a count, or a seed
		return fmt.Sprintf("%.0f %s", v, strings.TrimSuffix(metric, "/op"))
	}
	if !isTime {
		return fmt.Sprintf("%.4g %s", v, strings.TrimSuffix(metric, "/op"))
	}
	if unit != "" {
		unit = " " + strings.TrimSuffix(unit, "-")
	}
	for _, u := range []struct {
		ns   float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if v >= u.ns {
			return fmt.Sprintf("%.3g %s%s", v/u.ns, u.name, unit)
		}
	}
	return fmt.Sprintf("%.0f ns%s", v, unit)
}
