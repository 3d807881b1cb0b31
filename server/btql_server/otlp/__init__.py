"""OpenTelemetry spans, received over OTLP/HTTP and turned into events.

A request's way: ``receiver`` decodes it (``from_protobuf``, ``from_json``) to plain spans (``span``), asks ``parent``
which object each span belongs to, makes one event of each (``event``), and writes all of them. What cannot be decoded
as a whole is decoded span by span: ``by_hand`` does so in protobuf.

What the attributes of a span mean is said by conventions, one module each, which ``event`` lists in their order:
``braintrust``, ``langfuse``, ``langsmith``, ``mlflow``, ``adk`` (Google), ``logfire`` (Pydantic AI, too), ``genai``,
``indexed`` (OpenLLMetry), ``openinference``, ``vercel``. Each takes from a ``draft`` what it knows; an earlier one
wins, and what nobody takes stays in ``metadata`` under its own name.
"""
