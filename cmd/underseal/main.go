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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, newApp(), os.Args[1:])
	stop()
	os.Exit(code)
}
