"""The suite of JSONBench: five questions over events of a social network, of which a million come in 14 minutes."""
