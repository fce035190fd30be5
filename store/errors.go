package store

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Code says what kind of failure an [Error] is. The API turns it into a status.
type Code string

// The codes. They are part of the API: never rename one.
const (
	CodeInvalid       Code = "invalid"       // the input is wrong
	CodeNotFound      Code = "not_found"     // what was asked for is not there
	CodeConflict      Code = "conflict"      // the state does not allow it
	CodeLimit         Code = "limit"         // a configured limit is reached
	CodeUnauthorized  Code = "unauthorized"  // no key, or a wrong one
	CodeForbidden     Code = "forbidden"     // the key lacks the scope
	CodeOffline       Code = "offline"       // the session is not connected
	CodeTimeout       Code = "timeout"       // no answer in time
	CodeRefused       Code = "refused"       // WhatsApp refused
	CodeUnprocessable Code = "unprocessable" // understood, but impossible
	CodeDiskFull      Code = "disk_full"     // no space left for the database
	CodeReadOnly      Code = "read_only"     // the database cannot be written
	CodeLocked        Code = "locked"        // another process holds the database
	CodeStorage       Code = "storage"       // the database cannot be read or is damaged
	CodeInternal      Code = "internal"      // a fault of ours
)

// Error is the one error type of wamux. Message is a sentence for people;
// Err, the cause, is for the log only and never shown.
type Error struct {
	Code    Code
	Name    string // stable word for programs, such as session_not_found
	Message string // what is wrong, one sentence
	Hint    string // what to do about it; may be empty
	Err     error  // the cause; may be nil
}

// Error returns the sentence with its cause, for logs. People are shown
// [ErrorMessage] instead.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an [Error] without hint or cause.
func Errorf(code Code, name, format string, a ...any) *Error {
	return &Error{Code: code, Name: name, Message: fmt.Sprintf(format, a...)}
}

// ErrorCode returns the code of err: "" for nil, [CodeTimeout] for an ended
// context, the matching code for an error of SQLite, and [CodeInternal] for
// everything it does not know.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	return asError(err).Code
}

// ErrorMessage returns the sentence of err that people may read: "" for nil,
// and a fixed one for everything it does not know.
func ErrorMessage(err error) string {
	if err == nil {
		return ""
	}
	return asError(err).Message
}

// asError finds or makes the Error for err, which must not be nil.
func asError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e
	}
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		return fromSQLite(err, e.Code())
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Error{Code: CodeTimeout, Name: "timeout", Message: "The request ended before the work was done", Err: err}
	}
	return &Error{Code: CodeInternal, Name: "internal", Message: "Something went wrong inside wamux", Hint: "The log has the cause.", Err: err}
}

// fromSQLite names what a result code of SQLite means to an operator.
func fromSQLite(err error, rc int) *Error {
	switch rc & 0xff {
	case sqlite3.SQLITE_FULL:
		return errDiskFull(err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return errReadOnly(err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return &Error{Code: CodeLocked, Name: "database_locked", Message: "Another program holds the database", Hint: "Close other programs that write to the database file.", Err: err}
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return errDamaged(err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS:
		return &Error{Code: CodeStorage, Name: "storage", Message: "The disk answered with an error", Hint: "Check the disk and the permissions of the database folder.", Err: err}
	}
	return &Error{Code: CodeInternal, Name: "internal", Message: "Something went wrong inside wamux", Hint: "The log has the cause.", Err: err}
}

// wrap gives errors of SQLite their code and leaves all others as they are.
func wrap(err error) error {
	if e := (*Error)(nil); err == nil || errors.As(err, &e) {
		return err
	}
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		return fromSQLite(err, e.Code())
	}
	return err
}

// isConstraint tells whether err is a broken constraint of the given kind,
// such as SQLITE_CONSTRAINT_FOREIGNKEY.
func isConstraint(err error, kind int) bool {
	e := (*sqlite.Error)(nil)
	return errors.As(err, &e) && e.Code() == kind
}
