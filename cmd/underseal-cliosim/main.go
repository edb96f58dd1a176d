// Command underseal-cliosim serves a simulated Clio on this machine, for
// demonstrations and tests: seed a firm, serve it, issue tokens.
//
// It is a thin layer over internal/cliosim, which says what is simulated and
// what is not.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRoot(os.Stdout).ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "underseal-cliosim: %v\n", err)
		os.Exit(1)
	}
}
