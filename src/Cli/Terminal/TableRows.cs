namespace UdpGateway.Cli.Terminal;

/// <summary>How many rows each table of the live view gets, so that lines can still be read above it.</summary>
internal readonly record struct TableRows(int Listeners, int Destinations, int Peers)
{
    // The view's own head, the headings of three tables, what they hide, and four facts.
    private const int Surroundings = 10;
    private const int Least = 3;

    /// <param name="height">Of the terminal, of which two thirds are the view's.</param>
    public static TableRows Share(int height, int listeners, int destinations, int peers)
    {
        var room = Math.Max(Least, height * 2 / 3 - Surroundings);
        if (listeners + destinations + peers <= room)
            return new TableRows(listeners, destinations, peers);
        // What one does not need is for those after it.
        var forListeners = Math.Min(listeners, Math.Max(1, room / 3));
        var forDestinations = Math.Min(destinations, Math.Max(1, (room - forListeners) / 2));
        var forPeers = Math.Min(peers, Math.Max(0, room - forListeners - forDestinations));
        var left = room - forListeners - forDestinations - forPeers;
        var more = Math.Min(left, listeners - forListeners);
        return new TableRows(forListeners + more, Math.Min(destinations, forDestinations + left - more), forPeers);
    }
}
