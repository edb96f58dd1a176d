package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/workspace"
)

// connectionFile is the connection of this device to Clio, sealed under a key
// that derives from the device secret, which rests in the key store
// (spec/device.md, "Sealed at home").
const connectionFile = "clio.sealed"

const connectionVersion = 1

// connection is what it takes to speak to one Clio account.
type connection struct {
	Version int `json:"version"`
	registration
	Account     string    `json:"account"` // with its region: us:1234
	AccountName string    `json:"account_name"`
	User        string    `json:"user"`
	UserName    string    `json:"user_name"`
	UserEmail   string    `json:"user_email"`
	Access      string    `json:"access_token"`
	Refresh     string    `json:"refresh_token"`
	Expires     time.Time `json:"expires"`
}

// registration is the firm's own application as Clio knows it. Connected
// members seal it as the organization's secret of registrationSecret.
type registration struct {
	Region       string `json:"region"`
	BaseURL      string `json:"base_url,omitempty"` // where it is not the region's own
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// registrationSecret is the name of the organization's secret.
const registrationSecret = "clio"

// loadConnection reads the connection, or returns errNotConnected.
func loadConnection(home workspace.Local, d *keyring.Device) (connection, error) {
	b, err := home.Load(connectionFile)
	if errors.Is(err, fs.ErrNotExist) {
		return connection{}, errNotConnected
	} else if err != nil {
		return connection{}, err
	}
	s, err := d.OpenSealed(connectionFile, b)
	if err != nil {
		return connection{}, fmt.Errorf("%s: %w", connectionFile, err)
	}
	defer s.Destroy()
	var c connection
	switch err := json.Unmarshal(s.Expose(), &c); {
	case err != nil: // its text would show what it failed at
		return connection{}, fmt.Errorf("%s: %w", connectionFile, keyring.ErrSealed)
	case c.Version > connectionVersion:
		return connection{}, &wire.VersionError{Format: connectionFile, Version: uint64(c.Version)}
	case c.Version < 1 || c.Account == "":
		return connection{}, fmt.Errorf("%s: %w", connectionFile, keyring.ErrSealed)
	}
	return c, nil
}

func (c connection) save(home workspace.Local, d *keyring.Device) error {
	c.Version = connectionVersion
	body, err := json.Marshal(c) // #nosec G117 -- it is sealed before it rests anywhere
	if err != nil {
		return err
	}
	s := secret.Take(body)
	defer s.Destroy()
	b, err := d.Seal(connectionFile, s)
	if err != nil {
		return err
	}
	return home.Save(connectionFile, b)
}
