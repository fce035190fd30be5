package sandbox

import (
	"context"

	"wamux/api"
)

func (s *Server) AddPhone(ctx context.Context, phone, name string) (p api.SandboxPhone, err error) {
	return p, errNotYet
}
func (s *Server) Phones(ctx context.Context) ([]api.SandboxPhone, error) { return nil, errNotYet }
func (s *Server) Phone(ctx context.Context, phone string) (p api.SandboxPhone, err error) {
	return p, errNotYet
}
func (s *Server) Scan(ctx context.Context, phone, qr string) error        { return errNotYet }
func (s *Server) EnterCode(ctx context.Context, phone, code string) error { return errNotYet }
func (s *Server) Send(ctx context.Context, phone string, m api.SandboxMessage) (r api.SandboxSent, err error) {
	return r, errNotYet
}
func (s *Server) SendBulk(ctx context.Context, phone string, m api.SandboxMessage, count int) ([]api.SandboxSent, error) {
	return nil, errNotYet
}
func (s *Server) Inbox(ctx context.Context, phone string, after int64, limit int) ([]api.SandboxReceived, error) {
	return nil, errNotYet
}
func (s *Server) Media(ctx context.Context, phone string, seq int64) ([]byte, string, error) {
	return nil, "", errNotYet
}
func (s *Server) Read(ctx context.Context, phone, chat string, ids []string) error { return errNotYet }
func (s *Server) Typing(ctx context.Context, phone, chat, state string) error      { return errNotYet }
func (s *Server) Presence(ctx context.Context, phone string, online bool) error    { return errNotYet }
func (s *Server) Unlink(ctx context.Context, phone string) error                   { return errNotYet }
func (s *Server) Fault(ctx context.Context, f api.SandboxFault) error              { return errNotYet }
func (s *Server) Faults(ctx context.Context) ([]api.SandboxFault, error)           { return nil, errNotYet }
func (s *Server) ClearFaults(ctx context.Context) error                            { return errNotYet }
func (s *Server) Traffic(ctx context.Context, phone string, after int64, limit int) ([]api.SandboxStanza, error) {
	return nil, errNotYet
}
func (s *Server) Reset(ctx context.Context) error { return errNotYet }
