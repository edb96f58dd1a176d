package main

import (
	"encoding/hex"
	"strings"

	"github.com/underseal/underseal/internal/wire"
)

// secretVector is one vector of secret.json: what the log says of the resource
// in force, the keys that are held, and what the store has in the mailbox.
type secretVector struct {
	Name string `json:"name"`
	Rule string `json:"rule,omitempty"`

	Organization hx     `json:"organization"`
	Resource     hx     `json:"resource"`
	Secret       string `json:"secret"` // its name
	Label        string `json:"label"`  // as it was opened
	Keys         []hx   `json:"keys"`   // of epochs 1, 2, …
	Mailbox      hx     `json:"mailbox"`
	Messages     []hx   `json:"messages"`
	Value        hx     `json:"value,omitempty"`
}

func secretVectors() []secretVector {
	org, id := random("organization", 32), random("resource of a secret", 16)
	key := func(org, id []byte, epoch uint64, name string) dataKey {
		return newDataKey(name, context{org, id, 1, epoch})
	}
	k1, k2 := key(org, id, 1, "key of a secret"), key(org, id, 2, "next key of a secret")
	its := func(name string) record { return record{Connector: "underseal", Kind: "secret", ID: name} }
	token := func(k dataKey, r record, typ byte, value string) hx {
		return hx(tokenText(rawToken(k, r.name(), padded(typ, []byte(value)))))
	}
	label := func(value string) string { return hex.EncodeToString(sum(wire.LabelSecretValue, []byte(value))) }

	const value = "client id 4711, client secret Xyzzy"
	var out []secretVector
	add := func(rule, name string, change func(*secretVector), messages ...hx) {
		v := secretVector{
			Name: name, Rule: rule, Organization: org, Resource: id, Secret: "clio", Label: label(value), Keys: []hx{k1.key, k2.key},
			Mailbox: sum(wire.LabelSecret, array(bstr(org), bstr(id))), Messages: append([]hx{}, messages...),
		}
		if rule == "" {
			v.Value = hx(value)
		}
		if change != nil {
			change(&v)
		}
		out = append(out, v)
	}
	good, again := token(k1, its("clio"), 3, value), token(k2, its("clio"), 3, value)
	is := func(value string) func(*secretVector) {
		return func(v *secretVector) {
			v.Label = label(value)
			if v.Rule == "" {
				v.Value = hx(value)
			}
		}
	}
	largest := strings.Repeat("s", 4096)
	add("", "under the first epoch", nil, good)
	add("", "sealed again under the present epoch", nil, again)
	add("", "under both", nil, good, again)
	add("", "beside what is not it", nil, hx("junk"), token(k1, its("clio"), 3, "another"), good, token(k2, its("imap"), 3, value))
	add("", "of one byte, which is zero", is("\x00"), token(k1, its("clio"), 3, "\x00"))
	add("", "of 4096 bytes", is(largest), token(k1, its("clio"), 3, largest))
	add("", "of another name", func(v *secretVector) { v.Secret = "Müller's IMAP" }, token(k2, its("Müller's IMAP"), 3, value))

	const rule = "O-1"
	other := key(org, random("resource of another secret", 16), 1, "key of another secret")
	foreign := key(random("other organization", 32), id, 1, "key of a secret")
	draft := hx(tokenText(rawToken(k1, draftName("draft of a secret"), padded(0x83, []byte(value)))))
	generation := its("clio")
	generation.Generation = 1
	account := its("clio")
	account.Account = "us:1234"
	add(rule, "no message", nil)
	add(rule, "no token", nil, hx(value))
	add(rule, "another value", nil, token(k1, its("clio"), 3, "another"))
	add(rule, "the value without its last byte", nil, token(k1, its("clio"), 3, value[:len(value)-1]))
	add(rule, "of another secret", nil, token(other, its("imap"), 3, value))
	add(rule, "under another secret's key", nil, token(other, its("clio"), 3, value))
	add(rule, "of another organization", nil, token(foreign, its("clio"), 3, value))
	add(rule, "for another name", nil, token(k1, its("imap"), 3, value))
	add(rule, "for another generation", nil, token(k1, generation, 3, value))
	add(rule, "for another account", nil, token(k1, account, 3, value))
	add(rule, "a draft", nil, draft)
	add(rule, "text", nil, token(k1, its("clio"), 1, value))
	add(rule, "JSON", is("1"), token(k1, its("clio"), 2, "1"))
	add(rule, "empty", is(""), token(k1, its("clio"), 3, ""))
	add(rule, "of 4097 bytes", is(largest+"s"), token(k1, its("clio"), 3, largest+"s"))
	add(rule, "with a line feed after it", nil, append(append(hx{}, good...), '\n'))
	add(rule, "altered", nil, hx(tokenText(flip(rawToken(k1, its("clio").name(), padded(3, []byte(value))), -1))))
	add(rule, "the label in upper case", func(v *secretVector) { v.Label = strings.ToUpper(v.Label) }, good)
	add(rule, "the label of the value under another label", func(v *secretVector) {
		v.Label = hex.EncodeToString(sum(wire.LabelSecret, []byte(value)))
	}, good)
	add(rule, "the key of its epoch is not held", func(v *secretVector) { v.Keys = v.Keys[:1] }, again)
	return out
}
