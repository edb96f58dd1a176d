package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(&out, 70, 3); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	result := regexp.MustCompile(`^Benchmark(WasmOpen/first|WasmOpen/records-checked|WasmOpen/records-unchecked|WasmVerify) 1 \d+ ns/op \d+ cpu-ns/op$`)
	for _, l := range lines {
		if !result.MatchString(l) {
			t.Errorf("not a result: %q", l)
		}
	}
	if len(lines) != 1+9+9+3 {
		t.Errorf("%d results", len(lines))
	}
}
