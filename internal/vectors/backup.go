package main

import (
	"crypto/sha256"
	"strings"

	"github.com/underseal/underseal/keyring/kit"
)

// backupVector is one vector of backup.json.
type backupVector struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Rule string `json:"rule,omitempty"`

	Typed   string `json:"typed,omitempty"`
	Content string `json:"content,omitempty"` // of a file, decrypted
	Records []hx   `json:"records,omitempty"` // of the devices in the log

	Secret       hx     `json:"secret,omitempty"`
	DeviceKind   uint64 `json:"device_kind,omitempty"`
	Organization hx     `json:"organization,omitempty"`
	Label        string `json:"label,omitempty"`
	Salt         hx     `json:"salt,omitempty"`
	Device       hx     `json:"device,omitempty"` // id, or its beginning
	Text         string `json:"text,omitempty"`
	Words        string `json:"words,omitempty"`
}

const backupPrefix = "underseal-backup-"

// counted are n bytes from first on, by a step; such as the page has in its
// example.
func counted(first, step byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + step*byte(i)
	}
	return b
}

// backup is a device whose secret is written down.
type backup struct {
	device
	org []byte
}

func newBackup(name string, kind uint64, place byte, secret []byte) backup {
	org := counted(0xa0+0x10*place, 1, 16)
	return backup{deviceOf(secret, kind, opening{textDevice, counted(place, 3, 32), name}), cat(org, org)}
}

func backupText(payload []byte) string {
	return strings.ToUpper(bech32(backupPrefix, groupsOf(payload), checkBech32))
}

func (b backup) payload() []byte { return cat([]byte{1}, b.org, b.id()[:8], b.secret) }
func (b backup) text() string    { return backupText(b.payload()) }

// words are those of BIP 39, of 256 bits and a checksum.
func (b backup) words() []string { return wordsOf(b.secret) }

func wordsOf(secret []byte) []string {
	h := sha256.Sum256(secret)
	bits := cat(secret, h[:1])
	words := make([]string, 24)
	for i := range words {
		var n uint16
		for j := 11 * i; j < 11*(i+1); j++ {
			n = n<<1 | uint16(bits[j/8]>>(7-j%8)&1)
		}
		words[i] = kit.Word(n)
	}
	return words
}

func backups() []backup {
	return []backup{
		newBackup("paper kit", 2, 0, counted(0, 1, 32)),
		newBackup("passphrase backup", 3, 1, counted(32, 1, 32)),
		newBackup("paper kit of zeros", 2, 2, make([]byte, 32)),
	}
}

func backupVectors() (out []backupVector) {
	for i, name := range []string{"paper kit", "passphrase backup", "paper kit of zeros"} {
		b := backups()[i]
		out = append(out, backupVector{
			Name: name, Kind: "backup", Secret: b.secret, DeviceKind: b.kind, Organization: b.org, Label: b.label.text, Salt: b.label.salt,
			Device: b.id(), Text: b.text(), Words: strings.Join(b.words(), " "),
		})
	}
	return append(append(append(out, backupTexts()...), backupWords()...), append(backupFiles(), backupDevices()...)...)
}

func backupTexts() (out []backupVector) {
	b := backups()[0]
	text := b.text()
	add := func(rule, name, typed string) {
		v := backupVector{Name: name, Kind: "text", Rule: rule, Typed: typed}
		if rule == "" {
			v.Organization, v.Device, v.Secret = b.org, b.id()[:8], b.secret
		}
		out = append(out, v)
	}
	add("", "as it is written", text)
	add("", "in lower case", strings.ToLower(text))
	add("", "in lines, with space around", " \t"+text[:47]+"\r\n"+text[47:94]+"\n"+text[94:]+" \n")
	add("W-1", "more than 4096 bytes", text+strings.Repeat(" ", 4097-len(text)))
	add("W-2", "a character too few", text[:len(text)-1])
	add("W-2", "a character too many", text+"Q")
	add("W-2", "a wrong character", altered(text, "BACKUP-1Q", "BACKUP-1P"))
	add("W-2", "two characters swapped", altered(text, "XS2", "X2S"))
	add("W-2", "a character that is not in the alphabet", altered(text, "QXS2", "QXB2"))
	add("W-2", "in mixed case", strings.ToLower(text[:60])+text[60:])
	add("W-2", "another prefix", strings.ToUpper(bech32("underseal-kit-", groupsOf(b.payload()), checkBech32)))
	add("W-2", "the checksum of Bech32m", strings.ToUpper(bech32(backupPrefix, groupsOf(b.payload()), checkBech32m)))
	long := groupsOf(b.payload())
	long[len(long)-1] |= 1
	add("W-2", "bits beyond the last byte", strings.ToUpper(bech32(backupPrefix, long, checkBech32)))
	add("W-2", "a byte too few", backupText(b.payload()[:72]))
	add("W-2", "a byte too many", backupText(cat(b.payload(), []byte{0})))
	add("W-3", "of version 0", backupText(cat([]byte{0}, b.payload()[1:])))
	add("W-3", "of version 2", backupText(cat([]byte{2}, b.payload()[1:])))
	return out
}

// numbered are words with their numbers before them, in an order that is not
// theirs.
func numbered(words []string, format func(number, word string) string) []string {
	var out []string
	for column := range 3 {
		for i := column; i < len(words); i += 3 {
			out = append(out, format(string(rune('0'+(i+1)/10))+string(rune('0'+(i+1)%10)), words[i]))
		}
	}
	return out
}

func backupWords() (out []backupVector) {
	b := backups()[0]
	words := b.words()
	plain := strings.Join(words, " ")
	add := func(rule, name, typed string) {
		v := backupVector{Name: name, Kind: "words", Rule: rule, Typed: typed}
		if rule == "" {
			v.Secret = b.secret
		}
		out = append(out, v)
	}
	columns := numbered(words, func(number, word string) string { return number + ". " + word })
	add("", "with a space between", plain)
	add("", "in upper case, with commas and lines", strings.ToUpper(strings.Join(words, ",\r\n"))+".")
	add("", "with hyphens", strings.Join(words, "-"))
	add("", "numbered, column by column", strings.Join(columns, "\n"))
	add("", "numbers that touch their words", strings.Join(numbered(words, func(number, word string) string { return "#" + number + word }), " "))
	add("W-1", "more than 4096 bytes of words", plain+strings.Repeat(" ", 4097-len(plain)))
	add("W-4", "no words", "")
	add("W-4", "23 words", strings.Join(words[:23], " "))
	add("W-4", "25 words", plain+" abandon")
	add("W-4", "numbers on some words alone", altered(strings.Join(columns, " "), "01. ", ""))
	add("W-4", "a number twice", altered(strings.Join(columns, " "), "02. ", "01. "))
	add("W-4", "a number of 0", altered(strings.Join(columns, " "), "01. ", "00. "))
	add("W-4", "a number of 25", altered(strings.Join(columns, " "), "01. ", "25. "))
	add("W-4", "a number without its word", plain+" 25")
	add("W-4", "two numbers for one word", altered(strings.Join(columns, " "), "01. ", "01. 01. "))
	add("W-5", "a word that is not on the list", altered(plain, "abandon", "abbandon"))
	add("W-5", "the beginning of a word", altered(plain, "abandon", "aban"))
	add("W-5", "a digit in a word", altered(plain, "abandon", "aband0n"))
	add("W-6", "a wrong word", altered(plain, "abandon", "ability"))
	add("W-6", "two words swapped", altered(plain, "abandon amount", "amount abandon"))
	return out
}

func backupFiles() (out []backupVector) {
	b := backups()[1]
	text := b.text()
	add := func(rule, name, content string) {
		v := backupVector{Name: name, Kind: "file", Rule: rule, Content: content}
		if rule == "" {
			v.Organization, v.Device, v.Secret = b.org, b.id()[:8], b.secret
		}
		out = append(out, v)
	}
	add("", "the line alone", text)
	add("", "among comments", "# Example LLP\n\n# "+text[:20]+"\n"+text+"\n# the end\n")
	add("", "with CR LF and space around", "# Example LLP\r\n \r\n\t"+text+" \r\n")
	add("W-2", "a line that is no text form", "the secret is at the notary\n")
	add("W-2", "a text form broken over two words", text[:50]+" "+text[50:]+"\n")
	add("W-3", "a line of version 2", backupText(cat([]byte{2}, b.payload()[1:]))+"\n")
	add("W-7", "no lines", "")
	add("W-7", "comments alone", "# "+text+"\n")
	add("W-7", "the line twice", text+"\n"+text+"\n")
	return out
}

func backupDevices() (out []backupVector) {
	b, other := backups()[0], backups()[1]
	words := strings.Join(b.words(), " ")
	add := func(rule, name, typed string, org []byte, records ...[]byte) {
		v := backupVector{Name: name, Kind: "device", Rule: rule, Typed: typed, Organization: org}
		for _, r := range records {
			v.Records = append(v.Records, r)
		}
		if rule == "" {
			v.Device = b.id()
		}
		out = append(out, v)
	}
	enc, sig, in, label := b.encryption.public, b.signing.public(), b.signIn.public(), b.label.commitment()
	add("", "found by its text", b.text(), b.org, other.record(), b.record())
	add("", "found by its words", words, b.org, other.record(), b.record())
	add("", "words say no organization", words, other.org, b.record())
	add("W-8", "a text of another organization", b.text(), other.org, b.record())
	add("W-9", "of no device", words, b.org)
	add("W-9", "of another device", words, b.org, other.record())
	add("W-9", "of an installation", words, b.org, deviceRecord(1, enc, sig, in, label))
	add("W-9", "another kind than the text is of", b.text(), b.org, deviceRecord(3, enc, sig, in, label))
	add("W-9", "another label than the text is of", b.text(), b.org, deviceRecord(2, enc, sig, in, other.label.commitment()))
	add("W-9", "another encryption key", words, b.org, deviceRecord(2, other.encryption.public, sig, in, label))
	add("W-9", "another sign-in key", words, b.org, deviceRecord(2, enc, sig, other.signIn.public(), label))
	add("W-9", "another signing key", words, b.org, deviceRecord(2, enc, other.signing.public(), in, label))
	foreign := cat([]byte{1}, b.org, other.id()[:8], b.secret)
	add("W-9", "a text that names another device", backupText(foreign), b.org, other.record(), b.record())
	return out
}
