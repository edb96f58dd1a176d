package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// class is a kind of failure with its exit code (doc/cli.md).
type class struct {
	code  int
	name  string
	means string
}

const exitOK = 0

var (
	classDone        = class{exitOK, "done", "what was asked for is done"}
	classError       = class{1, "error", "something else went wrong"}
	classUsage       = class{2, "usage", "the command line is wrong"}
	classSetup       = class{3, "setup", "this device is not set up for that, or is already"}
	classLocked      = class{4, "locked", "the device secret cannot be had: passphrase, keyring"}
	classDenied      = class{5, "denied", "you may not do that in this organization"}
	classInput       = class{6, "input", "what was given cannot be used: a file, a name, a card"}
	classRefused     = class{7, "refused", "something was altered, moved, set back, or not confirmed"}
	classStorage     = class{8, "storage", "a place cannot be used: exists, full, read-only, no store"}
	classBusy        = class{9, "busy", "others are writing; try again"}
	classNewer       = class{10, "newer", "made by a newer version of underseal"}
	classConnection  = class{11, "connection", "an outside system refuses the connection, or what it asks"}
	classUnavailable = class{12, "unavailable", "an outside system does not answer, or not as it should"}
	classLeft        = class{13, "left", "done, but for some values that were left and are listed"}
	classInterrupted = class{130, "interrupted", "ended by a signal, such as Ctrl-C"}
)

// classes are all of them, in the order of their codes.
func classes() []class {
	return []class{
		classDone, classError, classUsage, classSetup, classLocked, classDenied, classInput,
		classRefused, classStorage, classBusy, classNewer, classConnection, classUnavailable, classLeft, classInterrupted,
	}
}

// maxMessage bounds an error message: it may list the columns of a file.
const maxMessage = 800

// Errors of the command line itself.
var (
	errNoHome            = errors.New("no home folder")
	errHomeFile          = errors.New("the home folder is no folder")
	errNoIdentity        = errors.New("no identity on this device")
	errIdentityExists    = errors.New("an identity exists on this device already")
	errConfig            = errors.New("not a configuration of this program")
	errConfigNewer       = errors.New("a configuration of a newer version")
	errPassphraseFile    = errors.New("the passphrase file cannot be read")
	errOtherOrganization = errors.New("the store belongs to another organization")
	errOutputExists      = errors.New("the output exists")
	errNoFolder          = errors.New("there is no such folder")
	errSameFile          = errors.New("output and input are the same file")
	errNotConfirmed      = errors.New("not confirmed; nothing was changed")
	errSafetyNumber      = errors.New("the safety number is not that of the card")
	errMember            = errors.New("already a member")
	errStoreAddress      = errors.New("not the address of a store")
	errCells             = errors.New("cells were refused")
)

// usageError is a mistake on the command line.
type usageError struct {
	err     error
	command *cobra.Command // whose help has the answer; nil where that would not help
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// hintError adds a hint of its own to an error.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// reworded says in other words what an error says.
type reworded struct {
	err  error
	text string
}

func (e *reworded) Error() string { return e.text }
func (e *reworded) Unwrap() error { return e.err }

func withHint(err error, hint string) error { return &hintError{err: err, hint: hint} }

// problem is an error as it is shown.
type problem struct {
	class   class
	message string
	hint    string
}

// classify finds the class, message and hint of an error.
func classify(err error) problem {
	p := problem{class: classError, message: err.Error()}
	var version *wire.VersionError
	var at *tabular.Error
	var entry *officer.EntryError
	var cost *keystore.WorkFactorError
	var usage *usageError
	known := false
	for _, r := range rules() {
		if errors.Is(err, r.is) {
			p.class, p.hint, known = r.class, r.hint, true
			break
		}
	}
	own := errors.As(err, &entry) && !errors.Is(err, workspace.ErrLog)
	switch {
	case errors.As(err, &usage):
		p.class, p.hint = classUsage, ""
		if usage.command != nil {
			p.hint = fmt.Sprintf("see: %s --help", usage.command.CommandPath())
		}
	case errors.As(err, &version):
		p.class, p.hint = classNewer, hintNewer
	case errors.As(err, &cost):
		p.class, p.hint = classLocked, "this key file was not written by underseal; restore it from your copy"
	case own:
		// The rules of the log, applied to what this command would have
		// written; its place in the log would say nothing.
		p.message = entry.Err.Error()
		if !known {
			p.class, p.hint = classDenied, "see what is so already: underseal log show"
		}
	case !known && errors.As(err, &at):
		p.class, p.hint = classInput, "nothing was written"
	}
	if p.class == classDenied && errors.Is(err, officer.ErrAuthority) {
		// The author of what was not written is who reads this.
		p.message = strings.Replace(p.message, officer.ErrAuthority.Error(), "you may not do this", 1)
	}
	var hinted *hintError
	if errors.As(err, &hinted) {
		p.hint = hinted.hint
	}
	if p.class == classInterrupted {
		p.message = "interrupted"
	}
	p.message = term.EscapeTo(clioMessage(err, firstLine(p.message)), maxMessage)
	return p
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
