-- Bytes on backup uplinks (tier 2 and above) in the last day.
SELECT router, uplink, tier, sent, received
FROM (SELECT router, ifNull(toString(uplink), '') AS uplink, sum(bytes_sent) AS sent, sum(bytes_received) AS received
    FROM usage FINAL
    WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 86400, 3600)
        AND time_ms >= (toUnixTimestamp(now()) - 86400) * 1000 GROUP BY router, uplink) AS a
ANY INNER JOIN (SELECT router, splitByChar(':', one)[1] AS uplink,
        toUInt32OrZero(splitByChar(':', one)[3]) AS tier
    FROM (SELECT router, arrayJoin(splitByChar(' ', newest)) AS one
        FROM (SELECT router, argMax(toString(uplinks), time_ms) AS newest FROM heartbeat
            WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 86400, 3600)
            GROUP BY router))) AS b USING router, uplink
WHERE tier > 1 AND sent + received > 0
ORDER BY sent + received DESC LIMIT 100;
