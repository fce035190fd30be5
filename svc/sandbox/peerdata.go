package sandbox

import (
	"strconv"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"wamux/store"
)

// found builds the phone's answer to a request for messages that a device could not decrypt.
func (s *Server) found(p *parcel, d *device, req *waE2E.PeerDataOperationRequestMessage) (*waE2E.Message, error) {
	if req.GetPeerDataOperationRequestType() != waE2E.PeerDataOperationRequestType_PLACEHOLDER_MESSAGE_RESEND {
		return nil, store.Errorf(store.CodeUnprocessable, "not_simulated", "The sandbox does not simulate this request.")
	}
	var results []*waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult
	for _, wanted := range req.GetPlaceholderMessageResendRequest() {
		raw, err := s.webMessage(d, wanted.GetMessageKey())
		if err != nil {
			return nil, err
		}
		if raw != nil {
			results = append(results, &waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult{
				PlaceholderMessageResendResponse: &waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult_PlaceholderMessageResendResponse{
					WebMessageInfoBytes: raw,
				},
			})
		}
	}
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE.Enum(),
		PeerDataOperationRequestResponseMessage: &waE2E.PeerDataOperationRequestResponseMessage{
			PeerDataOperationRequestType: req.PeerDataOperationRequestType,
			StanzaID:                     &p.id,
			PeerDataOperationResult:      results,
		},
	}}, nil
}

// webMessage is a message of the phone in the form phones hand on; nil when it has none of this id.
func (s *Server) webMessage(d *device, key *waCommon.MessageKey) ([]byte, error) {
	row, err := s.inboxByID(d.account.number, key.GetID())
	if err != nil || row == nil {
		return nil, err
	}
	author := s.find(row.sender)
	if author == nil || row.chat.Server != types.GroupServer && s.find(row.chat) == nil {
		return nil, nil
	}
	web := &waCommon.MessageKey{RemoteJID: proto.String(row.chat.String()), FromMe: &row.fromMe, ID: &row.id}
	if row.chat.Server == types.GroupServer {
		web.Participant = proto.String(author.lidJID().String())
	} else {
		web.RemoteJID = proto.String(s.find(row.chat).jid(0, d.LID).String())
	}
	info := &waWeb.WebMessageInfo{
		Key:              web,
		Message:          row.message,
		MessageTimestamp: proto.Uint64(uint64(row.at.Unix())),
	}
	if !row.fromMe {
		info.PushName = &author.name
	}
	return proto.Marshal(info)
}

func parseDecimal(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
