-- The flows of an inside host that lived in a minute.
SELECT id, proto, dst, dport, uplink, egress, verdict, bytes, bytes_reply
FROM (SELECT router, history, id, proto, dst, dport, uplink, egress, verdict, bytes, bytes_reply,
        ended_ms
    FROM flows
    PREWHERE router = 'gw1' AND src = '192.168.1.10'
    WHERE row_hour <= intDiv(1772366460000, 3600000)
        AND started_ms < 1772366460000
    ORDER BY row_version DESC LIMIT 1 BY router, history, id)
WHERE ifNull(ended_ms, toInt64(9000000000000)) >= 1772366400000
ORDER BY id LIMIT 1000;
