package main

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/agent"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/dirstore"
	"github.com/underseal/underseal/workspace"
)

// class is a kind of failure with its exit code (doc/cli.md).
type class struct {
	code int
	name string
}

const exitOK = 0

// maxMessage bounds an error message: it may list the columns of a file.
const maxMessage = 800

var (
	classError   = class{1, "error"}
	classUsage   = class{2, "usage"}
	classSetup   = class{3, "setup"}
	classLocked  = class{4, "locked"}
	classDenied  = class{5, "denied"}
	classInput   = class{6, "input"}
	classRefused = class{7, "refused"}
	classStorage = class{8, "storage"}
	classBusy    = class{9, "busy"}
)

// Errors of the command line itself.
var (
	errNoIdentity        = errors.New("no identity on this device")
	errIdentityExists    = errors.New("an identity exists on this device already")
	errConfig            = errors.New("not a configuration of this program")
	errOtherOrganization = errors.New("the store belongs to another organization")
	errOutputExists      = errors.New("the output exists")
	errSameFile          = errors.New("output and input are the same file")
	errNotConfirmed      = errors.New("not confirmed; nothing was changed")
	errSafetyNumber      = errors.New("the safety number is not that of the card")
	errStoreAddress      = errors.New("not the address of a store")
	errCells             = errors.New("cells were refused")
)

// usageError is a mistake on the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// hintError adds a hint of its own to an error.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

func withHint(err error, hint string) error { return &hintError{err: err, hint: hint} }

// problem is an error as it is shown.
type problem struct {
	class   class
	message string
	hint    string
}

// rules is searched from the top: the first that matches decides.
func rules() []struct {
	is    error
	class class
	hint  string
} {
	return []struct {
		is    error
		class class
		hint  string
	}{
		{context.Canceled, classError, "interrupted; no output was written"},
		{term.ErrInterrupted, classError, ""},
		{term.ErrNoTerminal, classUsage, "there is no terminal to ask on; give the answer by a flag, see --help"},

		{errNoIdentity, classSetup, "run: underseal setup"},
		{errIdentityExists, classSetup, "set UNDERSEAL_HOME to another folder for a second identity"},
		{workspace.ErrNoOrganization, classSetup, "run: underseal org new, or underseal org join"},
		{workspace.ErrPinned, classSetup, "see: underseal org show"},
		{keyring.ErrIdentity, classSetup, "the file identity.cbor in UNDERSEAL_HOME is damaged; restore it from your copy"},
		{keyring.ErrMismatch, classSetup, "the key store holds another identity's secret; check UNDERSEAL_HOME"},
		{errConfig, classSetup, "the file config.json in UNDERSEAL_HOME is damaged or newer than this program"},
		{errStoreAddress, classUsage, "a store is given as dir:/path/to/folder"},

		{agent.ErrForeign, classLocked, "somebody else made the agent's folder; check UNDERSEAL_HOME"},
		{agent.ErrProtocol, classLocked, "run: underseal lock, then underseal unlock"},
		{agent.ErrPath, classLocked, "choose a shorter UNDERSEAL_HOME"},
		{agent.ErrStart, classLocked, ""},
		{keystore.ErrNoStore, classLocked, "--key-store os needs a keyring that answers; --key-store file needs a passphrase"},
		{keystore.ErrKind, classUsage, ""},
		{keystore.ErrNoPassphrase, classLocked, "run underseal unlock on a terminal, or set UNDERSEAL_PASSPHRASE_FILE"},
		{keystore.ErrWrongPassphrase, classLocked, "try again; without the passphrase nothing opens this key file"},
		{keystore.ErrPassphrase, classLocked, ""},
		{keystore.ErrNoKey, classLocked, "the key store has no secret for this identity; restore it from your copy"},
		{keystore.ErrKeyExists, classSetup, "a secret is there already; set UNDERSEAL_HOME to another folder"},
		{keystore.ErrUnavailable, classLocked, "is the keyring running and unlocked?"},
		{keystore.ErrDamaged, classLocked, "restore the key from your copy"},

		{workspace.ErrNotMember, classDenied, "give your card to an officer: underseal identity card --out you.card"},
		{workspace.ErrRemoved, classDenied, "ask an officer"},
		{workspace.ErrNotGranted, classDenied, "ask somebody with the share right: underseal field grant"},
		{officer.ErrAuthority, classDenied, "ask an officer, or somebody with the share right"},
		{officer.ErrRights, classDenied, "nobody can hand out more than they hold"},
		{officer.ErrClosed, classDenied, "the field or the member's key is closed until somebody with the share right opens the next epoch"},
		{officer.ErrLast, classDenied, "give somebody else the share right first"},

		{workspace.ErrRollback, classRefused, "the store was set back or is incomplete; do not write to it; ask your officer and compare: underseal org show"},
		{workspace.ErrFork, classRefused, "somebody keeps two histories of this organization; do not write to it; ask your officer and compare: underseal org show"},
		{workspace.ErrLocal, classRefused, "a file in UNDERSEAL_HOME was altered; if you restored an old copy, remove organization.cache and join again"},
		{workspace.ErrStore, classRefused, "the store contradicts itself; try another copy of it"},
		{workspace.ErrKeyMissing, classRefused, "the store lost an envelope; ask who granted it to you to grant it again"},
		{errOtherOrganization, classRefused, "compare the fingerprint: underseal org show on an officer's device"},
		{columns.ErrUnknownKey, classRefused, "the token was altered, or belongs to another organization; --keep-going leaves it as it is"},
		{columns.ErrWrongField, classRefused, "tokens were moved between columns; --keep-going leaves them as they are"},
		{columns.ErrMixed, classRefused, "give --column COLUMN=FIELD to see which cells; --keep-going writes the output all the same"},
		{columns.ErrForeignToken, classInput, "open the file first, or take that token out"},
		{fieldcrypt.ErrOpen, classRefused, "the token was altered or moved here from elsewhere; --keep-going leaves it as it is"},
		{errCells, classRefused, "they were left as they were; the lines above say where"},
		{errSafetyNumber, classRefused, "compare the number with its owner by voice; do not add this card"},
		{officer.ErrCard, classInput, "ask for the card again: underseal identity card"},
		{errNotConfirmed, classRefused, ""},

		{workspace.ErrNoSuch, classInput, "see: underseal member list, underseal field list"},
		{workspace.ErrTaken, classInput, "see: underseal member list, underseal field list"},
		{workspace.ErrAmbiguous, classInput, "see: underseal member list, underseal field list"},
		{officer.ErrText, classInput, "1 to 1024 bytes of UTF-8"},

		{errOutputExists, classStorage, "choose another name, or give --force"},
		{durable.ErrExists, classStorage, "choose another name, or give --force"},
		{errSameFile, classUsage, "choose another name for --out"},
		{store.ErrNotStore, classStorage, "make one with underseal org new, or check the path"},
		{store.ErrExists, classStorage, "choose an empty folder, or join it: underseal org join"},
		{dirstore.ErrNotEmpty, classStorage, "choose an empty folder"},
		{store.ErrNewer, classStorage, "install a newer underseal"},
		{store.ErrDamaged, classStorage, "restore the store from a copy; nothing was changed"},
		{store.ErrReadOnly, classStorage, "ask whoever keeps the folder for the right to write"},
		{store.ErrFull, classStorage, "make room, then run the command again; nothing is lost"},
		{durable.ErrFull, classStorage, "make room, then run the command again; no output was written"},
		{durable.ErrDenied, classStorage, "choose a folder that you may write to"},
		{durable.ErrNotRegular, classStorage, "give the name of a file, or - for standard output"},
		{store.ErrConflict, classBusy, "somebody else is writing all the time; try again"},
		{store.ErrLeaseHeld, classBusy, "try again later"},

		{tabular.ErrFormat, classUsage, "name the file .csv or .jsonl, or give --format"},
		{tabular.ErrOptions, classUsage, "see --help"},
		{tabular.ErrUnknownColumn, classInput, "check --column and --record-id"},
		{tabular.ErrDuplicateColumn, classInput, "every chosen column must have a name of its own"},
		{tabular.ErrRecordID, classInput, "every row needs an id of its own; choose another --record-id"},
		{tabular.ErrDuplicateRecord, classInput, "every row needs an id of its own; choose another --record-id"},
		{tabular.ErrNotUTF8, classInput, "convert the file to UTF-8 first"},
		{tabular.ErrEncoding, classInput, "convert the file to UTF-8 first"},
		{tabular.ErrUnclosedQuote, classInput, "the file is cut short or a quote is missing"},
		{tabular.ErrCellCount, classInput, "the row does not fit the header; mend it in its own program"},
		{tabular.ErrEmpty, classInput, "the first line must name the columns"},
		{fieldcrypt.ErrValueTooLong, classInput, "a value may have 1 MiB"},
		{fs.ErrNotExist, classInput, "check the name"},
		{fs.ErrPermission, classStorage, "check the permissions"},
	}
}

// classify finds the class, message and hint of an error.
func classify(err error) problem {
	p := problem{class: classError, message: term.EscapeTo(firstLine(err.Error()), maxMessage)}
	var version *wire.VersionError
	var at *tabular.Error
	var entry *officer.EntryError
	var cost *keystore.WorkFactorError
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		p.class, p.hint = classUsage, "see --help"
	case errors.As(err, &version):
		p.class, p.hint = classRefused, "install a newer underseal"
	case errors.As(err, &cost):
		p.class, p.hint = classLocked, "this key file was not written by underseal; restore it from your copy"
	default:
		for _, r := range rules() {
			if errors.Is(err, r.is) {
				p.class, p.hint = r.class, r.hint
				break
			}
		}
		if p.class == classError && errors.As(err, &at) {
			p.class, p.hint = classInput, "nothing was written"
		}
		if p.class == classError && errors.As(err, &entry) {
			p.class, p.hint = classRefused, "the store's log does not verify; do not write to it; ask your officer"
		}
	}
	var own *hintError
	if errors.As(err, &own) {
		p.hint = own.hint
	}
	return p
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
