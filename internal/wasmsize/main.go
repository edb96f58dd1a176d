//go:build js

// Command wasmsize links what a browser needs, so that its size can be
// measured before there are bindings. It does nothing when run.
package main

import (
	_ "github.com/underseal/underseal/store"
)

func main() {}
