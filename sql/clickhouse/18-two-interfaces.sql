-- Flows of the last day that left by more than one interface.
SELECT router, id, proto, src, dst, dport, egress, verdict, reason
FROM (SELECT router, history, id, proto, src, dst, dport, egress, verdict, reason
    FROM flows
    PREWHERE position(ifNull(egress, ''), ',') > 0
    WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 86400, 3600)
        AND started_ms >= (toUnixTimestamp(now()) - 86400) * 1000
    ORDER BY row_version DESC LIMIT 1 BY router, history, id)
ORDER BY router, id LIMIT 100;
