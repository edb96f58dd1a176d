package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func newBackupCommand(a *app) *cobra.Command {
	return noun("backup", "Backups of your keys", "Backups of your keys: make them, prove that they work, restore from one.",
		newBackupCreateCommand(a), newBackupCheckCommand(a), newBackupRestoreCommand(a), newBackupListCommand(a))
}

type jsonBackup struct {
	jsonDevice
	Counts    bool       `json:"counts"`
	Rehearsed *time.Time `json:"rehearsed,omitempty"`
}

type jsonBackups struct {
	Backups []jsonBackup `json:"backups"`
}

func jsonBackupOf(b workspace.BackupInfo) jsonBackup {
	j := jsonBackup{jsonDevice: jsonDeviceOf(b.DeviceInfo), Counts: b.Counts()}
	if !b.Rehearsed.IsZero() {
		j.Rehearsed = &b.Rehearsed
	}
	return j
}

func newBackupListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List your backups, and which of them count", Args: noArgs,
		Long: `List your backups. Only one that was rehearsed on this device counts: see
underseal backup check.`,
		RunE: a.withWorkspace(func(ctx context.Context, w *workspace.Workspace, _ []string) error {
			list, err := w.Backups(ctx)
			if err != nil {
				return err
			}
			if a.json {
				out := jsonBackups{[]jsonBackup{}}
				for _, b := range list {
					out.Backups = append(out.Backups, jsonBackupOf(b))
				}
				a.printJSON(out, nil)
				return nil
			}
			if len(list) == 0 {
				a.say("there are no backups yet")
				a.next("underseal backup create --out kit.pdf")
				return nil
			}
			t := a.table()
			t.row("DEVICE", "LABEL", "KIND", "MADE", "STATE")
			for _, b := range list {
				t.row(b.ID.String()[:shortID], shown(b.LabelText), kindOf(b.Record.Kind), day(b.AddedTime), a.backupState(b))
			}
			return t.flush()
		}),
	}
}

func (a *app) backupState(b workspace.BackupInfo) string {
	switch {
	case b.Removed:
		return "removed"
	case b.Counts():
		return "rehearsed " + age(b.Rehearsed, a.now())
	default:
		return "never rehearsed; type: underseal backup check"
	}
}

// backupFlags are the flags of a new backup.
type backupFlags struct {
	kind, out, label, paper, passphraseFile string
	force                                   bool
}

func newBackupCreateCommand(a *app) *cobra.Command {
	var f backupFlags
	c := &cobra.Command{
		Use: "create --out FILE", Short: "Make a paper kit, or a file under a passphrase", Args: noArgs,
		Long: `Make a backup of your keys: a paper kit, a page to print, or with --kind
passphrase a file that opens with a passphrase of its own. Whoever has the page,
or file and passphrase, reads what you read: keep it where no thief of your
computer finds it. It is a device of yours and can be removed like one.

The page is not encrypted. Delete the file once it is printed, or print it
without one:
  underseal backup create --out - | lp

A backup counts once it was rehearsed: underseal backup check.`,
		Example: `underseal backup create --out kit.pdf
underseal backup create --kind passphrase --out me.age`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return &usageError{err, cmd}
			}
			return a.with(cmd.Context(), func(w *workspace.Workspace) error {
				made, err := a.createBackup(cmd.Context(), w, f)
				if err == nil && a.json {
					a.printJSON(made, nil)
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&f.kind, "kind", kindPaper, "`KIND` of backup, paper or passphrase")
	c.Flags().StringVar(&f.out, "out", "", "`FILE` to write, or - for standard output")
	c.Flags().StringVar(&f.label, "label", "", "`LABEL` by which you will know it (default: kind and day)")
	c.Flags().StringVar(&f.paper, "paper", "a4", "`SIZE` of the page, a4 or letter")
	c.Flags().StringVar(&f.passphraseFile, "passphrase-file", "", "`FILE` whose first line is the passphrase of the backup")
	c.Flags().BoolVar(&f.force, "force", false, "replace the file if it exists")
	required(c, "out")
	choices(c, "kind", kindPaper, kindPassphrase)
	choices(c, "paper", "a4", "letter")
	must(c.RegisterFlagCompletionFunc("out", files))
	must(c.RegisterFlagCompletionFunc("passphrase-file", files))
	return c
}

func (f backupFlags) check() error {
	switch {
	case f.kind != kindPaper && f.kind != kindPassphrase:
		return errors.New("a kind of backup is paper or passphrase")
	case f.paper != "a4" && f.paper != "letter":
		return errors.New("a size of paper is a4 or letter")
	case f.kind == kindPaper && f.passphraseFile != "":
		return errors.New("--passphrase-file is for --kind passphrase")
	}
	return nil
}

type jsonBackupMade struct {
	jsonBackup
	Out string `json:"out"`
}

// createBackup makes a backup. What is to be handed out is whole on the disk,
// under another name, before the log has the device: a page that is no backup
// cannot arise.
func (a *app) createBackup(ctx context.Context, w *workspace.Workspace, f backupFlags) (made jsonBackupMade, err error) {
	if w.Me() == nil {
		return made, workspace.ErrNotMember
	}
	if _, err := os.Lstat(f.out); err == nil && f.out != "-" && !f.force {
		return made, fmt.Errorf("%s: %w", term.Escape(f.out), errOutputExists)
	}
	kind, what := officer.DevicePaperKit, "paper kit"
	if f.kind == kindPassphrase {
		kind, what = officer.DevicePassphraseBackup, "passphrase backup"
	}
	if f.label == "" {
		f.label = fmt.Sprintf("%s of %s", what, day(a.now()))
	}
	b, err := kit.New(kind, w.Organization(), f.label)
	if err != nil {
		return made, withHint(&usageError{err: err}, "--label is one line of visible characters")
	}
	defer b.Destroy()
	content, err := a.backupContent(ctx, w, b, f)
	if err != nil {
		return made, err
	}
	defer content.Destroy()
	if f.out == "-" {
		if err = w.AddDevice(ctx, b.Keys(), b.Label()); err == nil {
			_, err = a.stdout.Write(content.Expose())
		}
	} else {
		err = a.placeBackup(ctx, w, b, content, f)
	}
	if err != nil {
		return made, err
	}
	a.sayBackupMade(f)
	list, err := w.Backups(ctx)
	for _, info := range list {
		if info.ID == b.ID() {
			made = jsonBackupMade{jsonBackupOf(info), f.out}
		}
	}
	return made, err
}

func (a *app) placeBackup(ctx context.Context, w *workspace.Workspace, b *kit.Backup, content *secret.Bytes, f backupFlags) error {
	out, err := durable.Create(f.out, durable.Private)
	if err != nil {
		return outputError(f.out, err)
	}
	defer out.Abort()
	if _, err := out.Write(content.Expose()); err != nil {
		return err
	}
	if err := w.AddDevice(ctx, b.Keys(), b.Label()); err != nil {
		return err
	}
	if err := out.Commit(f.force); err != nil {
		return withHint(err, "nobody has this backup now: remove it with underseal device remove "+b.ID().String()[:shortID])
	}
	return nil
}

func (a *app) sayBackupMade(f backupFlags) {
	switch {
	case f.out == "-":
	case f.kind == kindPaper:
		a.say("wrote %s: print it, then delete the file; it is not encrypted", term.Escape(f.out))
	default:
		a.say("wrote %s: copy it to where you will find it without this device", term.Escape(f.out))
	}
	switch f.kind {
	case kindPaper:
		a.next("underseal backup check, with the printed page: it asks for the words")
	default:
		a.next("underseal backup check %s", arg(f.out))
	}
	a.say("      until then it does not count")
}

// backupContent is the page, or the file under its passphrase.
func (a *app) backupContent(ctx context.Context, w *workspace.Workspace, b *kit.Backup, f backupFlags) (*secret.Bytes, error) {
	d := a.backupDetails(ctx, w)
	if f.kind == kindPaper {
		size := kit.A4
		if f.paper == "letter" {
			size = kit.Letter
		}
		return b.Paper(d, size)
	}
	passphrase, err := a.backupPassphrase(ctx, f.passphraseFile, keystore.ToSave)
	if err != nil {
		return nil, err
	}
	defer passphrase.Destroy()
	file, err := b.File(d, passphrase)
	if err != nil {
		return nil, err
	}
	return secret.Take(file), nil
}

// backupDetails is what the backup says of itself. A guest may not read the
// name of the firm, nor, after a restore, what the card says.
func (a *app) backupDetails(ctx context.Context, w *workspace.Workspace) kit.Details {
	d := kit.Details{Organization: w.OrganizationName(ctx), Store: w.Store().Info().Location, Made: a.now()}
	for _, m := range w.Members(ctx) {
		if m.ID == w.Me().ID {
			d.Name, d.Email = m.NameText, m.EmailText
		}
	}
	for _, text := range []*string{&d.Organization, &d.Name, &d.Email} {
		if *text == "" {
			*text = "(sealed)"
		}
	}
	if (officer.Opening{Kind: officer.TextLabel, Text: d.Store}).Check() != nil {
		d.Store = "" // a path that cannot be shown in one line
	}
	return d
}

// backupPassphrase gets the passphrase of a backup, which is not that of the
// key file.
func (a *app) backupPassphrase(ctx context.Context, file string, why keystore.Purpose) (*secret.Bytes, error) {
	if file != "" {
		p, err := keystore.PassphraseFile(file, func(err error) { a.warn("%v", err) })(ctx, why)
		if err != nil && !errors.Is(err, keystore.ErrPassphrase) {
			return nil, withHint(fmt.Errorf("%s: %w", term.Escape(file), errPassphraseFile), "--passphrase-file names a file with the passphrase in its first line")
		}
		return p, err
	}
	p, err := a.prompt()
	if err != nil {
		return nil, withHint(keystore.ErrNoPassphrase, "give --passphrase-file FILE")
	}
	return keystore.PromptFor(p, "the backup")(ctx, why)
}
