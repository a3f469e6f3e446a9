"""A cluster of one mock broker, by librdkafka itself: `python -m e2e.kafka_mock topic=4 …`.

Says its address in a line, and then does what each line on stdin says: `down` closes every
connection and takes none any more, `up` takes them again; what it was sent before is still there.
Python's binding does not reach this part of the library, so it is called directly.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import confluent_kafka

BROKER = 1
PRODUCER = 0


def library() -> ctypes.CDLL:
    """The one that the binding brings, which has loaded what it needs."""
    beside = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    found = ctypes.CDLL(str(next(beside.glob("librdkafka*.so*"))))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(found, name).restype = ctypes.c_void_p
    found.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return found


def main() -> None:
    rd = library()
    error = ctypes.create_string_buffer(512)
    conf = ctypes.c_void_p(rd.rd_kafka_conf_new())
    rd.rd_kafka_conf_set(conf, b"log_level", b"0", error, len(error))
    handle = ctypes.c_void_p(rd.rd_kafka_new(PRODUCER, conf, error, len(error)))
    assert handle, error.value.decode()
    cluster = ctypes.c_void_p(rd.rd_kafka_mock_cluster_new(handle, 1))
    assert cluster
    # It would wait three seconds for others before the first member of a group gets anything.
    rd.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)
    for topic, _, partitions in (given.partition("=") for given in sys.argv[1:]):
        rd.rd_kafka_mock_topic_create(cluster, topic.encode(), int(partitions), 1)
    print(rd.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)
    for line in sys.stdin:
        do = {"down": rd.rd_kafka_mock_broker_set_down, "up": rd.rd_kafka_mock_broker_set_up}
        do[line.strip()](cluster, BROKER)
        print("done", flush=True)


if __name__ == "__main__":
    main()
