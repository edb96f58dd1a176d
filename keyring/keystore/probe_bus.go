//go:build linux || dragonfly || freebsd || netbsd || openbsd

package keystore

import (
	"context"
	"errors"
	"slices"

	"github.com/godbus/dbus/v5"
)

// The names of the Secret Service on the session bus.
const (
	secretsName  = "org.freedesktop.secrets"
	secretsPath  = "/org/freedesktop/secrets"
	secretsLogin = "/org/freedesktop/secrets/collection/login"
)

// probe asks the Secret Service on the session bus whether it has a
// collection that go-keyring can use: "login" or the default one. Reading
// that unlocks and prompts for nothing. Unlike go-keyring it does not start a
// bus of its own where there is none: a secret would end there with it.
func probe(ctx context.Context) error {
	conn, err := dbus.SessionBusPrivateNoAutoStartup(dbus.WithContext(ctx))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // only asked
	if err := conn.Auth(nil); err != nil {
		return err
	}
	if err := conn.Hello(); err != nil {
		return err
	}
	secrets := conn.Object(secretsName, secretsPath)
	var v dbus.Variant
	err = secrets.CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0,
		"org.freedesktop.Secret.Service", "Collections").Store(&v)
	if err != nil {
		return err
	}
	if have, ok := v.Value().([]dbus.ObjectPath); ok && slices.Contains(have, secretsLogin) {
		return nil
	}
	var path dbus.ObjectPath
	err = secrets.CallWithContext(ctx, "org.freedesktop.Secret.Service.ReadAlias", 0, "default").Store(&path)
	if err != nil {
		return err
	}
	if path == "/" {
		return errors.New("the keyring of this session has not been set up")
	}
	return nil
}
