//go:build !linux && !darwin && !windows

package durable

// renameNoReplace does not exist here.
func (d *Dir) renameNoReplace(_, _ string) error { return errUnsupported }
