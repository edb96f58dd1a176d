package cliosim

import (
	"fmt"
	"net/http"
)

// apiError is an answer that says why not. It is an error so that it can end
// a transaction.
type apiError struct {
	status        int
	kind, message string
	// flat is the shape of errors of the authorization server.
	flat bool
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.kind, e.message) }

func badRequest(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: "BadRequestError", message: fmt.Sprintf(format, args...)}
}

func unprocessable(format string, args ...any) *apiError {
	return &apiError{status: http.StatusUnprocessableEntity, kind: "ArgumentError", message: fmt.Sprintf(format, args...)}
}

func forbidden() *apiError {
	return &apiError{status: http.StatusForbidden, kind: "ForbiddenError", message: "User is forbidden from taking that action"}
}

func notFound(what string) *apiError {
	return &apiError{status: http.StatusNotFound, kind: "RecordNotFoundError", message: what + " could not be found"}
}

func invalidToken(why string) *apiError {
	return &apiError{status: http.StatusUnauthorized, kind: "invalid_token", message: why, flat: true}
}

// body is the JSON of the error, in the shape of whoever answers.
func (e *apiError) body() any {
	if e.flat {
		return map[string]any{"error": e.kind, "error_description": e.message}
	}
	return map[string]any{"error": map[string]any{"type": e.kind, "message": e.message}}
}
