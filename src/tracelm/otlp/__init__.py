"""OTLP, the wire format of OpenTelemetry: as JSON lines on disk, as protobuf on the network."""
