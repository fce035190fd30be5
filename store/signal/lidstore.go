package signal

import (
	"context"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

// lidStore is the shared map as whatsmeow's store, guarded by the breaker of
// the session it was handed to.
type lidStore struct {
	*lids
	breaker *breaker
}

var _ wastore.LIDStore = lidStore{}

// PutLIDMapping writes one pair.
func (l lidStore) PutLIDMapping(ctx context.Context, lid, pn types.JID) (err error) {
	defer l.breaker.guard(ctx, &err)
	pair := wastore.LIDMapping{LID: lid, PN: pn}
	if !isPair(pair) {
		return refuse("%s and %s are no LID and phone number", lid, pn)
	}
	return l.put(ctx, []wastore.LIDMapping{pair})
}

// PutManyLIDMappings writes pairs, all or none, and leaves out what is no pair.
func (l lidStore) PutManyLIDMappings(ctx context.Context, mappings []wastore.LIDMapping) (err error) {
	defer l.breaker.guard(ctx, &err)
	return l.put(ctx, mappings)
}

// GetPNForLID returns the phone number of a LID, with its device, or the empty JID.
func (l lidStore) GetPNForLID(ctx context.Context, lid types.JID) (_ types.JID, err error) {
	defer l.breaker.guard(ctx, &err)
	return l.pn(ctx, lid)
}

// GetLIDForPN returns the LID of a phone number, with its device, or the empty JID.
func (l lidStore) GetLIDForPN(ctx context.Context, pn types.JID) (_ types.JID, err error) {
	defer l.breaker.guard(ctx, &err)
	return l.lid(ctx, pn)
}

// GetManyLIDsForPNs returns the LIDs of those phone numbers that have one.
func (l lidStore) GetManyLIDsForPNs(ctx context.Context, pns []types.JID) (_ map[types.JID]types.JID, err error) {
	defer l.breaker.guard(ctx, &err)
	return l.many(ctx, pns)
}
