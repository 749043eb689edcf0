-- The flows of an inside host that lived in a minute.
SELECT id, proto, dst, dport, uplink, egress, verdict, bytes, bytes_reply
FROM flows FINAL
WHERE router = 'gw1' AND src = '192.168.1.10'
    AND started_ms < 1772366460000 AND ifNull(ended_ms, toInt64(9000000000000)) >= 1772366400000
ORDER BY id LIMIT 1000;
