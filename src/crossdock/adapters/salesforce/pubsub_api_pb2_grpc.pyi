"""Types of the generated gRPC module, written by hand since the generator has none.

The stub is typed for asyncio channels. A servicer may serve a threaded or an asyncio server.
"""

from typing import Any

import grpc
import grpc.aio

from crossdock.adapters.salesforce import pubsub_api_pb2 as wire

class PubSubStub:
    Subscribe: grpc.aio.StreamStreamMultiCallable[wire.FetchRequest, wire.FetchResponse]
    GetSchema: grpc.aio.UnaryUnaryMultiCallable[wire.SchemaRequest, wire.SchemaInfo]
    GetTopic: grpc.aio.UnaryUnaryMultiCallable[wire.TopicRequest, wire.TopicInfo]
    Publish: grpc.aio.UnaryUnaryMultiCallable[wire.PublishRequest, wire.PublishResponse]
    PublishStream: grpc.aio.StreamStreamMultiCallable[wire.PublishRequest, wire.PublishResponse]
    ManagedSubscribe: grpc.aio.StreamStreamMultiCallable[wire.ManagedFetchRequest, wire.ManagedFetchResponse]

    def __init__(self, channel: grpc.aio.Channel) -> None: ...

class PubSubServicer:
    def Subscribe(self, request_iterator: Any, context: Any) -> Any: ...
    def GetSchema(self, request: wire.SchemaRequest, context: Any) -> Any: ...
    def GetTopic(self, request: wire.TopicRequest, context: Any) -> Any: ...
    def Publish(self, request: wire.PublishRequest, context: Any) -> Any: ...
    def PublishStream(self, request_iterator: Any, context: Any) -> Any: ...
    def ManagedSubscribe(self, request_iterator: Any, context: Any) -> Any: ...

def add_PubSubServicer_to_server(servicer: PubSubServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
