package kit

import (
	"bytes"
	"fmt"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/officer"
)

// MaxFile bounds a passphrase backup in bytes: four texts of the greatest
// length, and the lines around them.
const MaxFile = 8 << 10

// File returns a passphrase backup: an age file under the passphrase, which
// must satisfy [keystore.CheckPassphrase]. It takes a second, on purpose. Read
// it back from where it was written with [OpenFile] before it counts.
func (b *Backup) File(d Details, passphrase *secret.Bytes) ([]byte, error) {
	if b.kind != officer.DevicePassphraseBackup {
		return nil, fmt.Errorf("%w: a file is of a passphrase backup", ErrKind)
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	plain := b.content(d)
	defer plain.Destroy()
	return keystore.SealText(plain, passphrase)
}

// content is what is in the file: lines for people, and the text form.
func (b *Backup) content(d Details) *secret.Bytes {
	text := b.Text()
	defer text.Destroy()
	var out bytes.Buffer
	for _, line := range []string{
		"Underseal passphrase backup, format 1",
		"organization: " + d.Organization,
		"fingerprint: " + officer.FormatFingerprint(b.org),
		"member: " + d.Name,
		"email: " + d.Email,
		"device: " + b.ID().String(),
		"made: " + d.day(),
		"store: " + d.Store,
		"The last line is the secret: who has it reads what the member reads.",
		"To use it: underseal backup restore. To end it: underseal device remove.",
	} {
		out.WriteString("# " + line + "\n")
	}
	out.Write(text.Expose())
	out.WriteByte('\n')
	return secret.Take(out.Bytes())
}

// CheckFile looks at a passphrase backup as far as that goes without the
// passphrase, so that nobody is asked for one in vain.
func CheckFile(file []byte) error {
	if len(file) > MaxFile {
		return fmt.Errorf("%w: %w: %d bytes", ErrMalformed, wire.ErrTooLarge, MaxFile)
	}
	return keystore.CheckText(file)
}

// OpenFile reads a passphrase backup. Errors are ErrMalformed and those of
// [keystore.OpenText].
func OpenFile(file []byte, passphrase *secret.Bytes) (*Copy, error) {
	if err := CheckFile(file); err != nil {
		return nil, err
	}
	plain, err := keystore.OpenText(file, passphrase)
	if err != nil {
		return nil, err
	}
	defer plain.Destroy()
	return parseFile(plain.Expose())
}

// parseFile reads the content: lines that begin with "#", which are for
// people, and one with the text form. So a file that somebody made by hand
// from the text form is a backup too.
func parseFile(plain []byte) (*Copy, error) {
	var text []byte
	for line := range bytes.Lines(plain) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 || line[0] == '#':
		case text != nil:
			return nil, fmt.Errorf("%w: the file has more than one line that is not a comment", ErrMalformed)
		default:
			text = line
		}
	}
	if text == nil {
		return nil, fmt.Errorf("%w: the file has no line that is not a comment", ErrMalformed)
	}
	return parseText(text)
}
