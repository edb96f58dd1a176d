package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/workspace"
)

const backupInputHelp = `FILE is a passphrase backup, or a text with the words or with what the code of the
page says, as a scanner writes it; it may be - for standard input. Without FILE
the words are asked for, or the text of the code, and not shown while typed. They
are never an argument: others could see that.`

func newBackupCheckCommand(a *app) *cobra.Command {
	var passphraseFile string
	c := &cobra.Command{
		Use: "check [FILE]", Short: "Prove that a backup restores you", Args: optionalArg("FILE"),
		Long: `Prove that a backup restores you: it is read back, at best from the printed page
or from the place where you keep the file, and has to open your keys from the
store. Only then it counts.

` + backupInputHelp,
		Example: `underseal backup check
underseal backup check me.age
zbarimg --raw -q page.png | underseal backup check -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				if w.Me() == nil {
					return workspace.ErrNotMember
				}
				info, err := a.checkBackup(cmd.Context(), w, args, passphraseFile)
				if err == nil && a.json {
					a.printJSON(jsonBackupOf(info), nil)
				}
				return err
			})
		},
	}
	addPassphraseFile(c, &passphraseFile)
	c.ValidArgsFunction = files
	return c
}

func addPassphraseFile(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "passphrase-file", "", "`FILE` whose first line is the passphrase of the backup")
	must(c.RegisterFlagCompletionFunc("passphrase-file", files))
}

func (a *app) checkBackup(ctx context.Context, w *workspace.Workspace, args []string, passphraseFile string) (info workspace.BackupInfo, err error) {
	b, err := a.readBackup(ctx, args, passphraseFile)
	if err != nil {
		return info, err
	}
	defer b.Destroy()
	if info, err = w.Rehearse(ctx, b); err == nil {
		a.say("%s opens your keys: it counts", deviceName(info.DeviceInfo))
	}
	return info, err
}

// backupAttempts bounds how often the words are asked for: whoever mistypes
// finds the word and tries again.
const backupAttempts = 5

// readBackup reads a backup from a file, from standard input or from the
// terminal. The caller destroys it.
func (a *app) readBackup(ctx context.Context, args []string, passphraseFile string) (*kit.Copy, error) {
	if len(args) == 0 {
		return a.typedBackup(ctx)
	}
	input, err := a.backupInput(ctx, args[0])
	if err != nil {
		return nil, err
	}
	defer input.Destroy()
	b, err := a.parseBackup(ctx, input, passphraseFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", term.Escape(nameOf(args[0])), err)
	}
	return b, nil
}

// backupInput reads what may be a secret into memory that is cleared.
func (a *app) backupInput(ctx context.Context, name string) (*secret.Bytes, error) {
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, inputError(err)
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	const most = kit.MaxFile + 1 // one more is refused by whoever reads it
	buf := secret.Take(make([]byte, most))
	defer buf.Destroy()
	n, err := io.ReadFull(interruptible(ctx, in), buf.Expose())
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, inputError(err)
	}
	return secret.New(buf.Expose()[:n]), nil
}

func (a *app) parseBackup(ctx context.Context, input *secret.Bytes, passphraseFile string) (*kit.Copy, error) {
	text := input.Expose()
	switch {
	case bytes.HasPrefix(text, []byte("%PDF")):
		return nil, errBackupPDF
	case !bytes.HasPrefix(text, []byte("age-encryption.org/")):
		return kit.Parse(input)
	}
	if err := kit.CheckFile(text); err != nil {
		return nil, err
	}
	passphrase, err := a.backupPassphrase(ctx, passphraseFile, keystore.ToOpen)
	if err != nil {
		return nil, err
	}
	defer passphrase.Destroy()
	b, err := kit.OpenFile(text, passphrase)
	if errors.Is(err, keystore.ErrWrongPassphrase) {
		return nil, withHint(err, "it is the passphrase of the backup, not of this device")
	}
	return b, err
}

// typedBackup asks for the words, or the text of the code, on the terminal. A
// misspelled word is named by its place, and what it may have been goes to the
// terminal alone.
func (a *app) typedBackup(ctx context.Context) (*kit.Copy, error) {
	p, err := a.prompt()
	if err != nil {
		return nil, withHint(err, "give a file, or - for standard input")
	}
	question := "the 24 words, in one line, or the text of the code (not shown):"
	for n := 1; ; n++ {
		typed, err := p.Secret(ctx, question)
		if err != nil {
			return nil, err
		}
		b, err := kit.Parse(typed)
		typed.Destroy()
		if err == nil || n == backupAttempts {
			return b, err
		}
		question = err.Error()
		var word *kit.WordError
		if errors.As(err, &word) && len(word.Suggestions) > 0 {
			question += fmt.Sprintf(" (did you mean %s?)", strings.Join(word.Suggestions, ", "))
		}
		question += "; once more:"
	}
}
