using System.Buffers;
using System.Text.Json;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Replies;

/// <summary>
/// Reads replies while they are still being written. They may come as objects one after the other, with or without line ends
/// between them, in an array, or in a <c>{"Replies":[…]}</c> that is closed last. Holds one reply at most that is not complete yet.
/// </summary>
/// <param name="batchId">The batch that the tags must name.</param>
/// <param name="packets">Packets of that batch.</param>
internal sealed class ReplyStreamReader(ulong batchId, int packets) : IDisposable
{
    /// <summary>No member of a reply is longer: the largest datagram with every byte escaped takes less than half.</summary>
    public const int MaxPending = 1024 * 1024;

    private const int MaxSlice = 64 * 1024;

    // Of the replies, and one level more, which existing handlers make.
    private const int MaxArrays = 2;

    private static readonly JsonReaderOptions Options = new() { AllowMultipleValues = true };

    private readonly Stack<Level> _levels = new();
    private JsonReaderState _state = new(Options);
    private byte[] _pending = ArrayPool<byte>.Shared.Rent(4096);
    private int _pendingLength;
    private bool _isBroken;

    // The innermost object that may be a reply.
    private Member _member;
    private bool _isEnvelope;
    private bool _hasTag;
    private string? _tag;
    private JsonTokenType _dataType;
    private string? _data;

    /// <summary>What is around the next token.</summary>
    private enum Level
    {
        /// <summary>Replies follow each other.</summary>
        Replies,

        /// <summary>An object that nothing is around: a reply, or the envelope of replies.</summary>
        Outermost,

        Reply,

        /// <summary>A value that concerns nobody.</summary>
        Ignored,
    }

    private enum Member
    {
        Other,
        Tag,
        Data,
        Replies,
    }

    /// <summary>The replies that are complete now. What is no JSON ends the reading: the rest of the stream is passed over.</summary>
    /// <param name="chunk">The next bytes, cut anywhere.</param>
    /// <param name="isFinal">Whether they are the last.</param>
    public ReplyDocument Read(ReadOnlySpan<byte> chunk, bool isFinal)
    {
        var document = new ReplyDocument();
        try
        {
            do
            {
                var slice = chunk[..Math.Min(chunk.Length, MaxSlice)];
                chunk = chunk[slice.Length..];
                if (!_isBroken)
                    ReadSlice(slice, isFinal && chunk.IsEmpty, document);
            }
            while (!chunk.IsEmpty);
        }
        catch (JsonException)
        {
            Break(document, "the response is not JSON, or ends within a reply");
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, which the reader finds when it compares a name.
            Break(document, "the response has a name that is no valid text");
        }

        return document;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_pending);
        _pending = [];
        _isBroken = true;
    }

    private void Break(ReplyDocument document, string problem)
    {
        _isBroken = true;
        _pendingLength = 0;
        document.AddProblem(problem);
    }

    private void ReadSlice(ReadOnlySpan<byte> slice, bool isFinal, ReplyDocument document)
    {
        Append(slice);
        var unread = _pending.AsSpan(0, _pendingLength);
        // A response of nothing but white space has no replies, and is no JSON.
        if (isFinal && _levels.Count == 0 && unread.Trim(" \t\r\n"u8).IsEmpty)
            return;

        var reader = new Utf8JsonReader(unread, isFinal, _state);
        while (reader.Read())
            Take(ref reader, document);
        _state = reader.CurrentState;
        unread = unread[(int)reader.BytesConsumed..];
        unread.CopyTo(_pending);
        _pendingLength = unread.Length;
        if (_pendingLength > MaxPending)
            Break(document, "a reply of the response is too long");
    }

    private void Append(ReadOnlySpan<byte> slice)
    {
        if (_pending.Length - _pendingLength < slice.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_pending.Length * 2, _pendingLength + slice.Length));
            _pending.AsSpan(0, _pendingLength).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_pending);
            _pending = larger;
        }

        slice.CopyTo(_pending.AsSpan(_pendingLength));
        _pendingLength += slice.Length;
    }

    private void Take(ref Utf8JsonReader reader, ReplyDocument document)
    {
        var level = _levels.TryPeek(out var top) ? top : Level.Replies;
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                if (level is Level.Outermost or Level.Reply)
                    _member = MemberOf(ref reader);
                return;
            case JsonTokenType.EndObject:
            case JsonTokenType.EndArray:
                if (_levels.Pop() == Level.Reply || (level == Level.Outermost && !_isEnvelope))
                    EndReply(document);
                return;
            default:
                if (level == Level.Replies || (level == Level.Outermost && _member == Member.Replies))
                    TakeElement(ref reader, document);
                else if (level != Level.Ignored)
                    TakeMember(ref reader);
                else
                    Ignore(ref reader);
                return;
        }
    }

    private static Member MemberOf(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("Tag"u8) ? Member.Tag
        : reader.ValueTextEquals("Data"u8) ? Member.Data
        : reader.ValueTextEquals("Replies"u8) ? Member.Replies
        : Member.Other;

    private void TakeElement(ref Utf8JsonReader reader, ReplyDocument document)
    {
        if (_levels.Count > 0)
            _isEnvelope = true;
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return;
            case JsonTokenType.StartObject:
                StartReply();
                return;
            case JsonTokenType.StartArray when _levels.Count(level => level == Level.Replies) < MaxArrays:
                _levels.Push(Level.Replies);
                return;
            default:
                document.AddProblem("a reply is not an object");
                Ignore(ref reader);
                return;
        }
    }

    private void TakeMember(ref Utf8JsonReader reader)
    {
        if (_member == Member.Tag)
        {
            _hasTag = reader.TokenType == JsonTokenType.String;
            _tag = TextOf(ref reader);
        }
        else if (_member == Member.Data)
        {
            _dataType = reader.TokenType;
            _data = TextOf(ref reader);
        }

        Ignore(ref reader);
    }

    private void StartReply()
    {
        _isEnvelope = _levels.Count > 0;
        _levels.Push(_isEnvelope ? Level.Reply : Level.Outermost);
        _member = Member.Other;
        _hasTag = false;
        _tag = null;
        _dataType = JsonTokenType.Null;
        _data = null;
    }

    private void EndReply(ReplyDocument document)
    {
        _member = Member.Other;
        if (_dataType == JsonTokenType.Null)
            return;
        if (!_hasTag)
            document.AddProblem("a reply has no Tag of type string");
        else if (_dataType != JsonTokenType.String)
            document.AddProblem("the Data of a reply is not a string");
        else if (_tag is null || !PacketTag.TryRead(_tag, batchId, packets, out var index))
            document.UnknownTags++;
        else if (_data is null)
            document.AddProblem("the Data of a reply is no valid text");
        else
            document.Replies.Add(new Reply(index, _data));
    }

    /// <summary>Leaves a value alone, with all that is in it.</summary>
    private void Ignore(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject)
            _levels.Push(Level.Ignored);
    }

    /// <summary>Null for what is no string, and for a string that escapes half of a surrogate pair, which is no text.</summary>
    private static string? TextOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
