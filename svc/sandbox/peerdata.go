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

type peerResult = waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult

// found builds the phone's answer to a request; nil when the answer is a history sync.
func (s *Server) found(p *parcel, d *device, req *waE2E.PeerDataOperationRequestMessage) (*waE2E.Message, error) {
	switch req.GetPeerDataOperationRequestType() {
	case waE2E.PeerDataOperationRequestType_PLACEHOLDER_MESSAGE_RESEND:
		results, err := s.resent(d, req)
		return peerAnswer(p, req, results), err
	case waE2E.PeerDataOperationRequestType_HISTORY_SYNC_ON_DEMAND:
		return nil, s.olderMessages(d, p.id, req.GetHistorySyncOnDemandRequest())
	case waE2E.PeerDataOperationRequestType_COMPANION_SYNCD_SNAPSHOT_FATAL_RECOVERY:
		results, err := s.recovered(d, req.GetSyncdCollectionFatalRecoveryRequest().GetCollectionName())
		return peerAnswer(p, req, results), err
	case waE2E.PeerDataOperationRequestType_FULL_HISTORY_SYNC_ON_DEMAND:
		ask := req.GetFullHistorySyncOnDemandRequest()
		yes := waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult_REQUEST_SUCCESS
		return peerAnswer(p, req, []*peerResult{{
			FullHistorySyncOnDemandRequestResponse: &waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult_FullHistorySyncOnDemandRequestResponse{
				RequestMetadata: ask.GetRequestMetadata(), ResponseCode: &yes,
			},
		}}), s.wholeHistory(d, ask)
	}
	return nil, store.Errorf(store.CodeUnprocessable, "not_simulated", "The sandbox does not simulate this request.")
}

// recovered gives a device a whole collection of the app state, past the server.
func (s *Server) recovered(d *device, collection string) ([]*peerResult, error) {
	ph, err := s.phoneOf(d.account)
	if err != nil {
		return nil, err
	}
	data, err := ph.Recovery(collection)
	return []*peerResult{{
		SyncdSnapshotFatalRecoveryResponse: &waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult_SyncDSnapshotFatalRecoveryResponse{
			CollectionSnapshot: data, IsCompressed: proto.Bool(true),
		},
	}}, err
}

// resent finds messages that a device could not decrypt.
func (s *Server) resent(d *device, req *waE2E.PeerDataOperationRequestMessage) ([]*peerResult, error) {
	var results []*peerResult
	for _, wanted := range req.GetPlaceholderMessageResendRequest() {
		raw, err := s.webMessage(d, wanted.GetMessageKey())
		if err != nil {
			return nil, err
		}
		if raw != nil {
			results = append(results, &peerResult{
				PlaceholderMessageResendResponse: &waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult_PlaceholderMessageResendResponse{
					WebMessageInfoBytes: raw,
				},
			})
		}
	}
	return results, nil
}

func peerAnswer(p *parcel, req *waE2E.PeerDataOperationRequestMessage, results []*peerResult) *waE2E.Message {
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE.Enum(),
		PeerDataOperationRequestResponseMessage: &waE2E.PeerDataOperationRequestResponseMessage{
			PeerDataOperationRequestType: req.PeerDataOperationRequestType,
			StanzaID:                     &p.id,
			PeerDataOperationResult:      results,
		},
	}}
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
