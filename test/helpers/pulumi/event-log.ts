import { Server, ServerCredentials, type ServerReadableStream, type sendUnaryData } from "@grpc/grpc-js";
import { EventsService } from "@pulumi/pulumi/proto/events_grpc_pb";
import type { EventRequest } from "@pulumi/pulumi/proto/events_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import type { EngineEvent, Pass, PassEvents } from "./events";

/** Takes the engine's events as they happen, in the way the Automation API does: a file would only keep the last pass. */
export interface EventLog {
  /** For `--event-log`. */
  readonly address: string;
  /** Every pass in its order. */
  readonly passes: PassEvents[];
  close(): void;
}

/** Opens an event log on the loopback; `firstPass` names the pass that comes first, the next one is the update. */
export async function openEventLog(firstPass: Pass): Promise<EventLog> {
  const passes: PassEvents[] = [];
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  server.addService(EventsService, {
    streamEvents(stream: ServerReadableStream<EventRequest, Empty>, answer: sendUnaryData<Empty>) {
      const events: EngineEvent[] = [];
      passes.push({ pass: passes.length === 0 ? firstPass : "update", events });
      stream.on("data", (request: EventRequest) => events.push(JSON.parse(request.getEvent()) as EngineEvent));
      stream.on("end", () => answer(null, new Empty()));
      stream.on("error", () => undefined);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { address: `tcp://127.0.0.1:${port}`, passes, close: () => server.forceShutdown() };
}
