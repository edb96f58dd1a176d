package main

import (
	"context"
	"os/exec"
	"runtime"
)

// openBrowser opens a page in the person's own browser. The address is of this
// program's making: no shell reads it.
func openBrowser(ctx context.Context, address string) error {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	return exec.CommandContext(ctx, name, args...).Run() // #nosec G204 -- as said
}
