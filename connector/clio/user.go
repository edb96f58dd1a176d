package clio

import (
	"context"
	"net/url"
	"strconv"

	"github.com/underseal/underseal/connector"
)

// User is whose connection it is. Name and Email are for people and never
// trusted.
type User struct {
	ID, Name, Email string
}

// identity is what Clio says of a connection.
type identity struct {
	place connector.Place
	user  User
}

// Place implements [connector.Reader]. Clio is asked once for this and User.
func (c *Connector) Place(ctx context.Context) (connector.Place, error) {
	who, err := c.who(ctx)
	return who.place, err
}

// User says who approved the connection.
func (c *Connector) User(ctx context.Context) (User, error) {
	who, err := c.who(ctx)
	return who.user, err
}

func (c *Connector) who(ctx context.Context) (identity, error) {
	c.mu.Lock()
	known := c.identity
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	body, err := c.do(ctx, call{
		method: methodGet, path: api + "users/who_am_i.json", want: statusOK, query: url.Values{"fields": {whoFields}}.Encode(),
	})
	if err != nil {
		return identity{}, err
	}
	var answer showShape[whoShape]
	if err := decode(body, &answer); err != nil {
		return identity{}, err
	}
	who := answer.Data
	if who == nil || who.ID <= 0 || who.Account == nil || who.Account.ID <= 0 ||
		max(len(who.Name), len(who.Email), len(who.Account.Name)) > maxNameBytes {
		return identity{}, malformed("the account")
	}
	found := identity{
		place: connector.Place{
			Connector: Name, Name: who.Account.Name,
			Account: c.cfg.App.Site.Name() + ":" + strconv.FormatInt(who.Account.ID, 10),
		},
		user: User{ID: strconv.FormatInt(who.ID, 10), Name: who.Name, Email: who.Email},
	}
	c.mu.Lock()
	c.identity = &found
	c.mu.Unlock()
	return found, nil
}
