// Command demo tells a story with the real programs: that of a firm and its
// Clio account (make demo), or that of two colleagues and a file (make
// demo-csv). Every line that begins with somebody's name and "$" is a command
// that was run just then, and what follows is what it said.
package main

import (
	"context"
	"fmt"
	"os"
)

const usage = `usage: demo clio UNDERSEAL-BINARY CLIOSIM-BINARY
       demo csv UNDERSEAL-BINARY PEOPLE.CSV`

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	var err error
	switch os.Args[1] {
	case "clio":
		err = tellClio(context.Background(), os.Args[2], os.Args[3], 2000, 3000, os.Stdout)
	case "csv":
		err = tellCSV(context.Background(), os.Args[2], os.Args[3], os.Stdout)
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
