package svc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wamux/api"
	"wamux/store"
)

const sendUsage = `Send a message.

    wamux send SESSION TO TEXT     a text; - reads it from standard input, and behind -- it may begin with a dash
    wamux send SESSION TO [TEXT] --file FILE
                                   a file, with TEXT below it. What it is sent as is found from its content and name: a
                                   picture, a video, audio, a sticker (WebP), or else a document
      --as TYPE                    image, video, gif, ptv, audio, voice, document or sticker, whatever is found

TO is a phone number with its country code, or the id of a chat or group as the API shows it. The command ends when WhatsApp
has the message, and says its id. When that takes longer than half a minute the gateway goes on by itself, for a day, and
the command says so. Settings are given as to ` + "`wamux run`" + `: they say which gateway is meant.

Example:
    $ wamux send shop 6282222222222 "Hello Sari"
    $ wamux send shop 6282222222222 "This week's offers" --file offers.pdf
    $ df -h | wamux send shop 6282222222222 -
`

const sendHint = "`wamux help send` shows how it is called"

// mediaKinds are the types of messages that carry a file.
func mediaKinds() []string {
	return []string{"image", "video", "gif", "ptv", "audio", "voice", "document", "sticker"}
}

// send sends one message through the running gateway.
func (p program) send(ctx context.Context, args []string) int {
	a, config, ok := p.prepared(args, map[string]bool{"--file": true, "--as": true}, checkSend, sendHint)
	if !ok {
		return exitUsage
	}
	body, err := p.message(a)
	if err != nil {
		return p.ended(err)
	}
	return p.live(config, func(r *remote) error {
		var job struct{ ID, MessageID, State, To string }
		err := r.call(ctx, "POST", sessionPath(a.words[0])+"/messages", body, &job)
		switch {
		case err != nil:
			return err
		case job.State == string(store.JobSent):
			fmt.Fprintf(p.stdout, "%s is sent to %s.\n", job.MessageID, a.words[1])
		default:
			fmt.Fprintf(p.stdout, "%s is %s: the gateway goes on by itself.\n", job.MessageID, job.State)
		}
		return nil
	})
}

func checkSend(a arguments) error {
	file, as := a.has("--file"), a.last("--as")
	switch n := len(a.words); {
	case n > 3:
		return fmt.Errorf("%q is one word too many: put the text in quotes", a.words[3])
	case n < 2, n == 2 && !file:
		return errors.New("send needs a session, a recipient, and a text or a file")
	case as != "" && !file:
		return errors.New("--as says what a --file is sent as, but there is none")
	case as != "" && !slices.Contains(mediaKinds(), as):
		return fmt.Errorf("--as is %q, but it must be one of %s", as, strings.Join(mediaKinds(), ", "))
	}
	return nil
}

// message is the body of the request.
func (p program) message(a arguments) (map[string]any, error) {
	text, err := p.messageText(a.words[2:])
	if err != nil || !a.has("--file") {
		return map[string]any{"to": a.words[1], "type": "text", "text": map[string]string{"body": text}}, err
	}
	name := a.last("--file")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, &store.Error{Message: name + " cannot be read", Hint: "check its name, and that this user may open it", Err: err}
	}
	kind, mimetype := api.FileKind(name, data)
	if as := a.last("--as"); as != "" && as != kind {
		kind, mimetype = as, ""
	}
	media := map[string]any{"data": data, "caption": text, "mimetype": mimetype}
	if kind == "document" {
		media["fileName"] = filepath.Base(name)
	}
	return map[string]any{"to": a.words[1], "type": kind, kind: media}, nil
}

// messageText is the text on the command line; - stands for standard input, of
// which a last line break is no part.
func (p program) messageText(words []string) (string, error) {
	text := strings.Join(words, "")
	if text != "-" {
		return text, nil
	}
	data, err := io.ReadAll(p.stdin)
	if err != nil {
		return "", &store.Error{Message: "the text cannot be read from standard input", Err: err}
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}
