// Command underseal seals, shares and opens data that rests with others.
//
// Run "underseal help". The contract of the command line (exit codes, JSON
// schema, what goes where) is doc/cli.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(mainRun()) }

// mainRun is main with an exit code.
func mainRun() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Whoever asks a second time does not want to wait for tidying up.
	defer context.AfterFunc(ctx, stop)()
	// A reader that goes away is an error to handle, not an end in the middle
	// of a file that is being written.
	signal.Ignore(syscall.SIGPIPE)
	return run(ctx, newApp(), os.Args[1:])
}
