// Command table runs the benchmarks of this module, each beside its peer, and
// prints what was measured beside its budget.
//
// A group of rows is a file in budgets/. It names Go benchmarks of this module
// ("bench", a pattern), or a program that prints its results as Go's
// benchmarks do ("run"). A row compares a metric of one benchmark with a bound
// ("most" or "least"): of its ratio to the peer's, where it has one, otherwise
// of itself. To add a group, add a file.
//
// A group is run in rounds, and a ratio is made within a round, so that other
// work on the machine slows both sides alike. What is printed and judged is
// the median of the rounds, with half the distance of the quartiles as its
// noise; "best" is the same of the best rounds, which other work disturbs least.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
)

func main() {
	over, err := run(context.Background(), os.Stdout, os.Args[1:])
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(2) //nolint:forbidigo // this is main
	case over > 0:
		fmt.Fprintf(os.Stderr, "table: %d over budget\n", over)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// run prints the table of the groups that args choose and returns how many
// rows are over their budget.
func run(ctx context.Context, out io.Writer, args []string) (over int, err error) {
	flags := flag.NewFlagSet("table", flag.ContinueOnError)
	pattern := flags.String("groups", ".", "run the groups whose name matches this pattern")
	rounds := flags.Int("rounds", 0, "run each group so many times, instead of as often as it says")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	match, err := regexp.Compile(*pattern)
	if err != nil {
		return 0, err
	}
	groups, err := loadGroups("budgets", match)
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "underseal-bench-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "bench.test")
	if err := command(ctx, nil, "go", "test", "-c", "-o", binary, "."); err != nil {
		return 0, fmt.Errorf("build the benchmarks: %w", err)
	}
	for _, g := range groups {
		if *rounds > 0 {
			g.Rounds = *rounds
		}
		s := samples{}
		for i := range g.Rounds {
			fmt.Fprintf(os.Stderr, "%s: round %d of %d\n", g.name, i+1, g.Rounds)
			if err := g.round(ctx, binary, s); err != nil {
				return over, fmt.Errorf("%s: %w", g.name, err)
			}
		}
		n, err := g.print(out, s)
		over += n
		if err != nil {
			return over, fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return over, nil
}

// round runs the group once and adds what it measured to s.
func (g *group) round(ctx context.Context, binary string, s samples) error {
	argv := g.Run
	if len(argv) == 0 {
		argv = []string{binary, "-test.run=^$", "-test.benchmem", "-test.timeout=120m", "-test.bench=" + g.Bench}
		if g.Benchtime != "" {
			argv = append(argv, "-test.benchtime="+g.Benchtime)
		}
	}
	r, w := io.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.CloseWithError(command(ctx, w, argv[0], argv[1:]...)) })
	err := s.read(r) // the command's error, where it has one
	_ = r.CloseWithError(err)
	wg.Wait()
	return err
}

func command(ctx context.Context, out io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...) // #nosec G204 -- the groups are files of this tree
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}
