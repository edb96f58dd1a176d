package main

import (
	"context"
	"io/fs"
	"slices"
	"syscall"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/keyring/agent"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/dirstore"
	"github.com/underseal/underseal/workspace"
)

// Hints that several rules give.
const (
	hintNewer   = "install a newer underseal; if there is none, the file was altered"
	hintLists   = "see: underseal member list, underseal group list, underseal field list"
	hintCompare = "do not write to it; ask your officer, and compare: underseal org head"
	hintRow     = "every row needs an id of its own; choose another --record-id"
	hintUTF8    = "save the file as CSV UTF-8 first"
	hintForce   = "choose another name, or give --force"
	hintKeep    = "the right values are in your copy of the file; --keep-going leaves such cells as they are"
)

// rule says what an error means to whoever called the program.
type rule struct {
	is    error
	class class
	hint  string
}

// rules is searched from the top: the first that matches decides.
func rules() []rule {
	return slices.Concat([]rule{
		{context.Canceled, classInterrupted, "no output was written; run it again"},
		{term.ErrInterrupted, classInterrupted, ""},
		{term.ErrNoTerminal, classUsage, "there is no terminal to ask on; give the answer by a flag, see --help"},
		{term.ErrNoAnswer, classUsage, "run it again, or give the answer by a flag, see --help"},
		{term.ErrLongAnswer, classUsage, ""},
	}, outsideRules(), deviceRules(), inviteRules(), groupRules(), policyRules(), recoveryRules(), accessRules(), pairRules(), rekeyRules(), auditRules(), []rule{
		{errNoHome, classSetup, "set UNDERSEAL_HOME to a folder of your own"},
		{errHomeFile, classSetup, "set UNDERSEAL_HOME to a folder of your own"},
		{errNoIdentity, classSetup, "run: underseal setup"},
		{errIdentityExists, classSetup, "set UNDERSEAL_HOME to another folder for a second identity"},
		{workspace.ErrNoOrganization, classSetup, "run: underseal org new, or underseal org join"},
		{workspace.ErrPinned, classSetup, "see: underseal org show; for another organization set UNDERSEAL_HOME to another folder"},
		{keyring.ErrIdentity, classSetup, "restore the folder from your copy"},
		{keyring.ErrMismatch, classSetup, "the key store holds another identity's secret; check UNDERSEAL_HOME"},
		{errConfig, classSetup, "restore the folder from your copy"},
		{errConfigNewer, classNewer, hintNewer},
		{errStoreAddress, classUsage, "a store is given as dir:/path/to/folder"},

		{agent.ErrForeign, classLocked, "another user can reach into it; check who owns UNDERSEAL_HOME"},
		{agent.ErrProtocol, classLocked, "run: underseal lock, then underseal unlock"},
		{agent.ErrPath, classLocked, "choose a shorter UNDERSEAL_HOME"},
		{agent.ErrStart, classLocked, "commands work without it: they ask for the passphrase each time"},
		{keystore.ErrNoStore, classLocked, "for a file under a passphrase: --key-store file; for the keyring, start it and log in first"},
		{keystore.ErrKind, classUsage, "give --key-store os, or --key-store file"},
		{keystore.ErrNoPassphrase, classLocked, "run underseal unlock on a terminal, or set UNDERSEAL_PASSPHRASE_FILE"},
		{keystore.ErrWrongPassphrase, classLocked, "try again; without the passphrase nothing opens this key file"},
		{errPassphraseFile, classLocked, "UNDERSEAL_PASSPHRASE_FILE names a file with the passphrase in its first line"},
		{keystore.ErrPassphrase, classLocked, "choose four words or more that nobody would guess together"},
		{keystore.ErrNoKey, classLocked, "the key store has no secret for this identity; restore it from your copy"},
		{keystore.ErrKeyExists, classSetup, "a secret is there already; set UNDERSEAL_HOME to another folder"},
		{keystore.ErrDamaged, classLocked, "restore the key from your copy"},

		{officer.ErrUnknownOp, classNewer, hintNewer},
		{workspace.ErrLog, classRefused, "the store's log was altered or is damaged; " + hintCompare},
		{workspace.ErrRollback, classRefused, "the store was set back or is incomplete; " + hintCompare},
		{workspace.ErrFork, classRefused, "somebody keeps two histories of this organization; " + hintCompare},
		{workspace.ErrLocal, classRefused, "a file of this device's own folder was altered; restore the folder from your copy"},
		{workspace.ErrStore, classRefused, "the store contradicts itself; try another copy of it"},
		{workspace.ErrPassed, classRefused, "a colleague who has that key seals it to you: underseal org catch-up --for EMAIL, with yours"},
		{workspace.ErrKeyMissing, classRefused, "a colleague who reads it seals it to you: underseal org catch-up --for EMAIL, with yours; if nobody can, whoever shares it: --past-missing"},
		{workspace.ErrKeyHeld, classInput, "nothing is missing here; without --past-missing it is changed as usual"},
		{workspace.ErrSecretMissing, classRefused, "an officer puts it into the store again; what it holds instead is not used"},
		{workspace.ErrSecretSize, classInput, ""},
		{workspace.ErrHistory, classRefused, "see who did: underseal log show; somebody who had the field before can read and seal again what is older"},
		{errOtherOrganization, classRefused, "check the path, and the fingerprint with an officer: underseal org show"},

		{workspace.ErrNotMember, classDenied, "give your card to an officer: underseal identity card --out you.card"},
		{workspace.ErrRemoved, classDenied, "ask an officer; this computer can be added anew, with UNDERSEAL_HOME set to an empty folder: underseal device join"},
		{workspace.ErrNotGranted, classDenied, "ask somebody with the share right: underseal field grant"},
		{officer.ErrAuthority, classDenied, "ask an officer, or somebody with the share right"},
		{officer.ErrRights, classDenied, "nobody can hand out more than they hold"},
		{officer.ErrEnded, classDenied, "it is not used again; see what is: underseal field list, underseal group list"},
		{officer.ErrClosed, classDenied, "whoever has the share right opens it again: underseal field rotate"},
		{officer.ErrLast, classDenied, "give somebody else the share right first"},

		{columns.ErrUnknownKey, classRefused, "the token was altered, or belongs to another organization; --keep-going leaves such cells as they are"},
		{columns.ErrWrongField, classRefused, "tokens were moved between columns; --keep-going leaves such cells as they are"},
		{columns.ErrMixed, classRefused, "tokens were moved between columns; --column COLUMN=FIELD shows which, --keep-going opens them all the same"},
		{columns.ErrKeyChanged, classBusy, "somebody's access changed meanwhile; run it again"},
		{columns.ErrForeignToken, classInput, "open the file first, or take that token out"},
		{fieldcrypt.ErrOpen, classRefused, hintKeep},
		{errCells, classRefused, "they were left as they were; the lines above say where"},
		{errSafetyNumber, classRefused, "read the digits again with the card's owner, by voice; if they differ, do not add this card"},
		{errNotConfirmed, classRefused, ""},
		{errMember, classInput, "see: underseal member list"},
		{officer.ErrCard, classInput, "ask for the card again: underseal identity card"},

		{workspace.ErrNoSuch, classInput, hintLists},
		{workspace.ErrTaken, classInput, hintLists},
		{workspace.ErrAmbiguous, classInput, hintLists},
		{officer.ErrText, classInput, "1 to 1024 bytes of UTF-8 that can be seen"},

		{errOutputExists, classStorage, hintForce},
		{errNoFolder, classStorage, "make it first, or choose another --out"},
		{errSameFile, classUsage, "choose another name for --out"},
		{store.ErrNotStore, classStorage, "check the path and whether the folder is mounted; if it has moved: underseal org join with the new --store"},
		{store.ErrExists, classStorage, "choose an empty folder, or join it: underseal org join"},
		{dirstore.ErrNotEmpty, classStorage, "choose an empty folder"},
		{store.ErrNewer, classNewer, hintNewer},
		{store.ErrDamaged, classStorage, "restore the store from a copy; nothing was changed"},
		{store.ErrReadOnly, classStorage, "ask whoever keeps the folder for the right to read and write it"},
		{store.ErrFull, classStorage, "make room, then run the command again; nothing is lost"},
		{store.ErrConflict, classBusy, "somebody else is writing all the time; try again"},
		{store.ErrLeaseHeld, classBusy, "try again later"},

		{tabular.ErrFormat, classUsage, "name the file .csv or .jsonl, or give --format"},
		{tabular.ErrOptions, classUsage, "see --help"},
		{tabular.ErrUnknownColumn, classInput, "check --column, --record-id and --delimiter"},
		{tabular.ErrDuplicateColumn, classInput, "every chosen column must have a name of its own"},
		{tabular.ErrRecordID, classInput, hintRow},
		{tabular.ErrDuplicateRecord, classInput, hintRow},
		{tabular.ErrNotUTF8, classInput, hintUTF8},
		{tabular.ErrEncoding, classInput, hintUTF8},
		{tabular.ErrUnclosedQuote, classInput, "the file is cut short or a quote is missing"},
		{tabular.ErrCellCount, classInput, "mend the row in the program that wrote the file; nothing was written"},
		{tabular.ErrEmpty, classInput, "the first line must name the columns"},
		{fieldcrypt.ErrValueTooLong, classInput, "a value may have 1 MiB"},

		{durable.ErrExists, classStorage, hintForce},
		{durable.ErrFull, classStorage, "make room, then run the command again"},
		{syscall.ENOSPC, classStorage, "make room, then run the command again"},
		{durable.ErrDenied, classStorage, "choose a folder that you may write to"},
		{durable.ErrTooLarge, classInput, "is it the right file?"},
		{durable.ErrNotRegular, classStorage, "give the name of a file, or - for standard output"},
		{keystore.ErrUnavailable, classLocked, "is the keyring running and unlocked?"},
		{fs.ErrNotExist, classInput, "check the name"},
		{fs.ErrPermission, classStorage, "check the permissions"},
	})
}
