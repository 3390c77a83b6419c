package tokenvault

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// calls sends calls over the channel, as the caller that the options name.
type calls struct {
	channel    *channel
	credential credentialFile
}

// begin returns a connection, and the context of one call. Metadata of ctx is meant for other services, and is not sent.
func (c *calls) begin(ctx context.Context) (context.Context, grpc.ClientConnInterface, func(), error) {
	authorization, err := c.credential.read()
	if err != nil {
		return nil, nil, nil, err
	}
	conn, release, err := c.channel.acquire()
	if err != nil {
		return nil, nil, nil, err
	}
	sent := metadata.MD{}
	if authorization != "" {
		sent.Set("authorization", authorization)
	}
	return metadata.NewOutgoingContext(ctx, sent), conn, release, nil
}

// unary sends one call. Its deadline is that of ctx.
func unary[Service, In, Out any](
	ctx context.Context, c *calls,
	service func(grpc.ClientConnInterface) Service,
	method func(Service, context.Context, *In, ...grpc.CallOption) (*Out, error),
	request *In,
) (*Out, error) {
	callCtx, conn, release, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	response, err := method(service(conn), callCtx, request)
	if err != nil {
		return nil, toError(ctx, err)
	}
	return response, nil
}
