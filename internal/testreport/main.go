// Command testreport reads what `go test -json` says and tells it to people:
// as it happens, and at the end as one table of what was skipped and why and
// one line of counts.
//
//	go test -json ./... | tee REPORT/go-test.json | testreport live
//	testreport summary REPORT   skipped tests by reason, then the counts
//	testreport closing REPORT   the runners' own closing lines, then the counts
//
// REPORT is a folder: *-test.json are streams of `go test -json`, node-*.txt
// the output of Node's test runner, *.parts the parts of scripts/parts.sh and
// skipped.tsv those that could not run. A report that holds no test, or a part
// that failed, is a failure.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// errFailed says that what was reported is a failure; it has been printed.
var errFailed = errors.New("failed")

func main() {
	err := run(os.Args[1:], os.Stdin, os.Stdout, os.Getenv("CI") == "true")
	if err != nil {
		if !errors.Is(err, errFailed) {
			fmt.Fprintln(os.Stderr, "testreport:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer, ci bool) error {
	switch {
	case len(args) == 1 && args[0] == "live":
		_, err := readGo(in, out)
		return err
	case len(args) == 2 && (args[0] == "summary" || args[0] == "closing"):
		all, err := readFolder(args[1])
		if err != nil {
			return err
		}
		if args[0] == "closing" {
			for _, line := range all.closing {
				if _, err := fmt.Fprintln(out, line); err != nil {
					return err
				}
			}
		}
		return all.print(out, ci)
	default:
		return errors.New("usage: testreport live | summary REPORT | closing REPORT")
	}
}

// readFolder adds up all reports of a folder.
func readFolder(dir string) (result, error) {
	var all result
	for _, kind := range []struct {
		pattern string
		read    func(io.Reader) (result, error)
	}{
		{"*-test.json", func(r io.Reader) (result, error) { return readGo(r, io.Discard) }},
		{"node-*.txt", readNode},
		{"*.parts", readParts},
		{"skipped.tsv", readSkipped},
	} {
		files, err := filepath.Glob(filepath.Join(dir, kind.pattern))
		if err != nil {
			return result{}, err
		}
		for _, name := range files {
			one, err := readFile(name, kind.read)
			if err != nil {
				return result{}, fmt.Errorf("%s: %w", name, err)
			}
			all.add(one)
		}
	}
	return all, nil
}

func readFile(name string, read func(io.Reader) (result, error)) (result, error) {
	f, err := os.Open(name)
	if err != nil {
		return result{}, err
	}
	one, err := read(f)
	return one, errors.Join(err, f.Close())
}
