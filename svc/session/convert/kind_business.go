package convert

import "go.mau.fi/whatsmeow/proto/waE2E"

func listOf(l *waE2E.ListMessage) content {
	var sections []meta
	for _, s := range l.GetSections() {
		var rows []meta
		for _, r := range s.GetRows() {
			rows = append(rows, choice(r.GetRowID(), r.GetTitle(), r.GetDescription()))
		}
		sections = append(sections, meta{"title": clean(s.GetTitle()), "rows": rows})
	}
	m := meta{}
	put(m, "title", l.GetTitle())
	put(m, "description", l.GetDescription())
	put(m, "buttonText", l.GetButtonText())
	put(m, "footer", l.GetFooterText())
	list(m, "sections", sections)
	if l.GetProductListInfo() != nil {
		m["products"] = remains(l.GetProductListInfo())
	}
	return content{"list", firstOf(l.GetDescription(), l.GetTitle()), m, l.GetContextInfo()}
}

func choice(id, text, description string) meta {
	m := meta{}
	put(m, "id", id)
	put(m, "text", text)
	put(m, "description", description)
	return m
}

func listResponse(l *waE2E.ListResponseMessage) content {
	m := choice(l.GetSingleSelectReply().GetSelectedRowID(), l.GetTitle(), l.GetDescription())
	return content{"listResponse", firstOf(l.GetTitle(), l.GetDescription()), m, l.GetContextInfo()}
}

func buttons(b *waE2E.ButtonsMessage) content {
	var all []meta
	for _, x := range b.GetButtons() {
		one := choice(x.GetButtonID(), x.GetButtonText().GetDisplayText(), "")
		put(one, "name", x.GetNativeFlowInfo().GetName())
		put(one, "params", x.GetNativeFlowInfo().GetParamsJSON())
		all = append(all, one)
	}
	m := meta{}
	put(m, "title", b.GetText())
	put(m, "footer", b.GetFooterText())
	list(m, "buttons", all)
	header(m, b.GetImageMessage(), b.GetVideoMessage(), b.GetDocumentMessage(), b.GetLocationMessage())
	return content{"buttons", firstOf(b.GetContentText(), b.GetText()), m, b.GetContextInfo()}
}

// header keeps what is shown above buttons.
func header(m meta, i *waE2E.ImageMessage, v *waE2E.VideoMessage, d *waE2E.DocumentMessage, l *waE2E.LocationMessage) {
	switch {
	case i != nil:
		m["header"] = headed(picture(i))
	case v != nil:
		m["header"] = headed(video(v))
	case d != nil:
		m["header"] = headed(document(d))
	case l != nil:
		m["header"] = headed(location(l))
	}
}

func headed(c content) meta {
	c.Meta["type"] = c.Type
	return c.Meta
}

func buttonsResponse(b *waE2E.ButtonsResponseMessage) content {
	m := choice(b.GetSelectedButtonID(), b.GetSelectedDisplayText(), "")
	return content{"buttonsResponse", b.GetSelectedDisplayText(), m, b.GetContextInfo()}
}

func template(t *waE2E.TemplateMessage) content {
	h := t.GetHydratedTemplate()
	if h == nil {
		h = t.GetHydratedFourRowTemplate()
	}
	c := content{Type: "template", Meta: meta{}, Context: t.GetContextInfo()}
	switch {
	case h != nil:
		c.Text = firstOf(h.GetHydratedContentText(), h.GetHydratedTitleText())
		c.Meta = hydrated(h)
	case t.GetInteractiveMessageTemplate() != nil:
		in := interactive(t.GetInteractiveMessageTemplate())
		c.Text, c.Meta = in.Text, in.Meta
	default:
		c.Meta["content"] = remains(t)
	}
	put(c.Meta, "templateId", firstOf(t.GetTemplateID(), h.GetTemplateID()))
	return c
}

func hydrated(h *waE2E.TemplateMessage_HydratedFourRowTemplate) meta {
	m := meta{}
	put(m, "title", h.GetHydratedTitleText())
	put(m, "footer", h.GetHydratedFooterText())
	header(m, h.GetImageMessage(), h.GetVideoMessage(), h.GetDocumentMessage(), h.GetLocationMessage())
	var all []meta
	for _, b := range h.GetHydratedButtons() {
		q, u, c := b.GetQuickReplyButton(), b.GetUrlButton(), b.GetCallButton()
		one := choice(q.GetID(), firstOf(q.GetDisplayText(), u.GetDisplayText(), c.GetDisplayText()), "")
		put(one, "url", u.GetURL())
		put(one, "phone", c.GetPhoneNumber())
		all = append(all, one)
	}
	list(m, "buttons", all)
	return m
}

func templateReply(t *waE2E.TemplateButtonReplyMessage) content {
	m := choice(t.GetSelectedID(), t.GetSelectedDisplayText(), "")
	put(m, "index", t.GetSelectedIndex())
	return content{"templateReply", t.GetSelectedDisplayText(), m, t.GetContextInfo()}
}

func structured(h *waE2E.HighlyStructuredMessage) content {
	c := content{Type: "structured", Meta: remains(h)}
	if h.GetHydratedHsm() != nil {
		c.Text = template(h.GetHydratedHsm()).Text
	}
	return c
}

func interactive(i *waE2E.InteractiveMessage) content {
	m := meta{}
	put(m, "title", i.GetHeader().GetTitle())
	put(m, "subtitle", i.GetHeader().GetSubtitle())
	put(m, "footer", i.GetFooter().GetText())
	header(m, i.GetHeader().GetImageMessage(), i.GetHeader().GetVideoMessage(), i.GetHeader().GetDocumentMessage(), i.GetHeader().GetLocationMessage())
	var all []meta
	for _, b := range i.GetNativeFlowMessage().GetButtons() {
		one := meta{}
		put(one, "name", b.GetName())
		put(one, "params", b.GetButtonParamsJSON())
		all = append(all, one)
	}
	list(m, "buttons", all)
	if i.GetShopStorefrontMessage() != nil || i.GetCollectionMessage() != nil || i.GetCarouselMessage() != nil || i.GetBloksWidget() != nil {
		m["content"] = remains(i)
	}
	return content{"interactive", firstOf(i.GetBody().GetText(), i.GetHeader().GetTitle()), m, i.GetContextInfo()}
}

func interactiveResponse(i *waE2E.InteractiveResponseMessage) content {
	m := meta{}
	put(m, "name", i.GetNativeFlowResponseMessage().GetName())
	put(m, "params", i.GetNativeFlowResponseMessage().GetParamsJSON())
	return content{"interactiveResponse", i.GetBody().GetText(), m, i.GetContextInfo()}
}

func product(p *waE2E.ProductMessage) content {
	m := remains(p)
	return content{"product", firstOf(p.GetProduct().GetTitle(), p.GetCatalog().GetTitle(), p.GetBody()), m, p.GetContextInfo()}
}

func order(o *waE2E.OrderMessage) content {
	m := meta{}
	put(m, "orderId", o.GetOrderID())
	put(m, "title", o.GetOrderTitle())
	put(m, "items", o.GetItemCount())
	put(m, "status", o.GetStatus().String())
	put(m, "seller", o.GetSellerJID())
	put(m, "amount1000", o.GetTotalAmount1000())
	put(m, "currency", o.GetTotalCurrencyCode())
	return content{"order", firstOf(o.GetMessage(), o.GetOrderTitle()), m, o.GetContextInfo()}
}

func payment(p *waE2E.SendPaymentMessage) content {
	c := about("payment")
	noted(&c, p.GetNoteMessage())
	return c
}

func paymentRequest(p *waE2E.RequestPaymentMessage) content {
	m := meta{}
	put(m, "amount1000", p.GetAmount1000())
	put(m, "currency", p.GetCurrencyCodeIso4217())
	put(m, "from", p.GetRequestFrom())
	m.seconds("expiresAt", p.GetExpiryTimestamp())
	c := content{Type: "paymentRequest", Meta: m}
	noted(&c, p.GetNoteMessage())
	return c
}

// noted takes over the text that goes with a payment.
func noted(c *content, note *waE2E.Message) {
	c.Text = firstOf(note.GetConversation(), note.GetExtendedTextMessage().GetText())
	c.Context = note.GetExtendedTextMessage().GetContextInfo()
}
