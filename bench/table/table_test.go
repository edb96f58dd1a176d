package main

import (
	"math"
	"regexp"
	"strings"
	"testing"
)

const output = `goos: linux
cpu: some processor
BenchmarkA/ours-2         	 100	       110 ns/op	     3 allocs/op
BenchmarkA/peer-2         	 100	       100 ns/op	     1 allocs/op
BenchmarkA/ours-2         	 100	       240 ns/op	     3 allocs/op
BenchmarkA/peer-2         	 100	       200 ns/op	     1 allocs/op
BenchmarkA/ours           	 100	       300 ns/op	     3 allocs/op
BenchmarkA/peer           	 100	       300 ns/op	     1 allocs/op
BenchmarkB 1 2000000 ns/op 40.5 MB/s
PASS
`

func TestSamples(t *testing.T) {
	t.Parallel()
	s := samples{}
	if err := s.read(strings.NewReader(output)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, metric string
		n            int
		median       float64
	}{
		{"A/ours", "ns/op", 3, 240}, {"A/peer", "ns/op", 3, 200}, {"A/ours", "allocs/op", 3, 3},
		{"B", "ns/op", 1, 2e6}, {"B", "MB/s", 1, 40.5},
	} {
		v, err := s.of(c.name, c.metric)
		if err != nil || len(v) != c.n || quantile(v, 0.5) != c.median {
			t.Errorf("%s %s: %v, %v", c.name, c.metric, v, err)
		}
	}
	for _, c := range [][2]string{{"C", "ns/op"}, {"B", "allocs/op"}} {
		if v, err := s.of(c[0], c[1]); err == nil {
			t.Errorf("%s: %v", c, v)
		}
	}
	if err := s.read(strings.NewReader("BenchmarkA 1 fast ns/op\n")); err == nil {
		t.Error("a result that is no number was read")
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	s := samples{}
	if err := s.read(strings.NewReader(output)); err != nil {
		t.Fatal(err)
	}
	bound := func(v float64) *float64 { return &v }
	ratio := row{Work: "a", Ours: "A/ours", Peer: "A/peer", Metric: "ns/op"}
	m, err := ratio.measure(s)
	if err != nil || math.Abs(m.value-1.1) > 1e-9 || math.Abs(m.low-1.05) > 1e-9 || math.Abs(m.high-1.15) > 1e-9 || math.Abs(m.best-1.1) > 1e-9 {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, c := range []struct {
		most, least *float64
		want        verdict
	}{
		{bound(1.2), nil, ok}, {bound(1.1001), nil, ok}, {bound(1.06), nil, unclear}, {bound(1.04), nil, over},
		{nil, bound(1), ok}, {nil, bound(1.14), unclear}, {nil, bound(1.2), over}, {nil, nil, informs},
	} {
		ratio.Most, ratio.Least = c.most, c.least
		if m, err := ratio.measure(s); err != nil || m.verdict != c.want {
			t.Errorf("%+v: %q, %v", c, m.verdict, err)
		}
	}
	alone := row{Work: "b", Ours: "B", Metric: "MB/s", Least: bound(41)}
	if m, err := alone.measure(s); err != nil || m.verdict != over || m.value != 40.5 {
		t.Errorf("%+v, %v", m, err)
	}
	for _, r := range []row{
		{Ours: "none", Metric: "ns/op"}, {Ours: "B", Peer: "none", Metric: "ns/op"}, {Ours: "A/ours", Peer: "B", Metric: "ns/op"},
	} {
		if m, err := r.measure(s); err == nil {
			t.Errorf("%+v: %+v", r, m)
		}
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	s := samples{}
	if err := s.read(strings.NewReader(output)); err != nil {
		t.Fatal(err)
	}
	g, err := parseGroup("x", []byte(`{"title": "work", "about": "what it means", "bench": "A", "rounds": 3, "rows": [
		{"work": "one", "ours": "A/ours", "peer": "A/peer", "metric": "ns/op", "most": 1},
		{"work": "another", "ours": "B", "metric": "MB/s", "least": 40}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	n, err := g.print(&out, s)
	if err != nil || n != 1 {
		t.Errorf("%d over, %v", n, err)
	}
	const want = "" +
		"work           ours    peer  ratio  noise       best     budget\n" +
		"  one        240 ns  200 ns   1.10   ±5 %       1.10     ≤ 1.00  OVER\n" +
		"  another  40.5 MB/s                 ±0 %  40.5 MB/s  ≥ 40 MB/s    ok\n"
	if got := out.String(); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want+"what it means\n(3 rounds)"), " ") {
		t.Errorf("got\n%s", got)
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		v      float64
		metric string
	}{
		"424 ns": {424.4, "ns/op"}, "1.5 µs": {1500, "ns/op"}, "16.7 ms": {16.7e6, "ns/op"}, "5 s": {5e9, "ns/op"},
		"3 allocs": {3, "allocs/op"}, "40.5 MB/s": {40.5, "MB/s"}, "2 ms cpu": {2e6, "cpu-ns/op"},
		"3834492817 seed": {3834492817, "seed"}, "0 lost": {0, "lost"}, "0.9981 share": {0.99812, "share"},
	} {
		if got := amount(c.v, c.metric); got != want {
			t.Errorf("%v %s: %q, want %q", c.v, c.metric, got, want)
		}
	}
}

// Every file of budgets can be read, and every bad one is refused.
func TestGroups(t *testing.T) {
	t.Parallel()
	groups, err := loadGroups("../budgets", regexp.MustCompile("."))
	if err != nil || len(groups) == 0 {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	if _, err := loadGroups("../budgets", regexp.MustCompile("^no such group$")); err == nil {
		t.Error("a pattern that matches nothing is no error")
	}
	for _, bad := range []string{
		``, `[]`, `{}`, `{"title": "a", "rounds": 1, "rows": [{"work": "a", "ours": "a", "metric": "a"}]}`,
		`{"title": "a", "bench": "a", "rounds": 0, "rows": [{"work": "a", "ours": "a", "metric": "a"}]}`,
		`{"title": "a", "bench": "a", "rounds": 1, "rows": []}`,
		`{"title": "a", "bench": "a", "rounds": 1, "rows": [{"work": "a", "ours": "a"}]}`,
		`{"title": "a", "bench": "a", "rounds": 1, "rows": [{"work": "a", "ours": "a", "metric": "a", "most": 1, "least": 1}]}`,
		`{"title": "a", "bench": "a", "rounds": 1, "limits": [], "rows": [{"work": "a", "ours": "a", "metric": "a"}]}`,
	} {
		if g, err := parseGroup("x", []byte(bad)); err == nil {
			t.Errorf("%s: %+v", bad, g)
		}
	}
}
