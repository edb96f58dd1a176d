package clio

import (
	"context"
	"net/url"
	"strconv"
)

// User is whose tokens a Connector has. Texts are Clio's and never trusted.
type User struct {
	ID    string
	Name  string
	Email string
}

// User asks Clio in whose name the connector speaks.
func (c *Connector) User(ctx context.Context) (User, error) {
	body, err := c.do(ctx, call{
		method: methodGet, path: api + "users/who_am_i.json", want: statusOK, query: url.Values{"fields": {"id,name,email"}}.Encode(),
	})
	if err != nil {
		return User{}, err
	}
	var answer showShape[struct {
		ID    int64  `json:"id"`
		Name  string `json:"name"`
		Email string `json:"email"`
	}]
	if err := decode(body, &answer); err != nil {
		return User{}, err
	}
	if answer.Data == nil || answer.Data.ID <= 0 || len(answer.Data.Name) > maxNameBytes || len(answer.Data.Email) > maxNameBytes {
		return User{}, malformed("the user")
	}
	return User{ID: strconv.FormatInt(answer.Data.ID, 10), Name: answer.Data.Name, Email: answer.Data.Email}, nil
}
