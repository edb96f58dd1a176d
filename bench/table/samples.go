package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// samples are all results of a benchmark, by its name and metric, in the order
// in which they came.
type samples map[string]map[string][]float64

// processors is what Go appends to the name of a benchmark.
var processors = regexp.MustCompile(`-\d+$`)

// read adds the results in the output of benchmarks. What is no result, such
// as the name of the processor, is passed over; a failure is shown.
func (s samples) read(r io.Reader) error {
	in := bufio.NewScanner(r)
	for in.Scan() {
		line := in.Text()
		fields := strings.Fields(line)
		name, isResult := strings.CutPrefix(line, "Benchmark")
		if !isResult || len(fields) < 4 || len(fields)%2 != 0 {
			if strings.Contains(line, "FAIL") || strings.HasPrefix(strings.TrimSpace(line), "---") {
				fmt.Fprintln(os.Stderr, line)
			}
			continue
		}
		name, _, _ = strings.Cut(name, " ")
		name, _, _ = strings.Cut(name, "\t")
		name = processors.ReplaceAllString(name, "")
		for i := 2; i < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return fmt.Errorf("result %q: %w", line, err)
			}
			if s[name] == nil {
				s[name] = map[string][]float64{}
			}
			s[name][fields[i+1]] = append(s[name][fields[i+1]], v)
		}
	}
	return in.Err()
}

// of returns the results of one benchmark, of which there is at least one.
func (s samples) of(name, metric string) ([]float64, error) {
	if v := s[name][metric]; len(v) > 0 {
		return v, nil
	}
	return nil, fmt.Errorf("benchmark %s reported no %s", name, metric)
}
