using System.Globalization;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>Changes to the sample gated-wireguard, each as the text that a user would edit.</summary>
internal static class Variants
{
    /// <summary>Strangers need no pre-shared key.</summary>
    public static (string Old, string New) WithoutSharedKey { get; } =
        ("      UnknownPeerPreSharedKey: !Sub \"{{resolve:secretsmanager:${WireGuardPSK}:SecretString}}\"\n", "");

    /// <summary>Strangers are refused.</summary>
    public static (string Old, string New) WithoutUnknownPeers { get; } = ("      AllowUnknownPeers: true\n", "");

    /// <summary>Destination arguments, one per line.</summary>
    public static (string Old, string New) WithArguments(params string[] arguments) =>
        ("          Batching:\n", $"          Arguments:\n{string.Concat(arguments.Select(argument => $"            {argument}\n"))}          Batching:\n");

    /// <summary>The function appends the peer key of each packet to a file before it does anything else.</summary>
    public static (string Old, string New) WithEvidence(string file) =>
        ("            replies = []\n",
         $"            with open('{file}', 'a') as evidence:\n                evidence.writelines(message['Remote']['PeerKey'] + '\\n' for message in event['Messages'])\n            replies = []\n");

    /// <summary>The function answers late.</summary>
    public static (string Old, string New) WithSlowAnswer(double seconds) =>
        ("            return {\"Replies\": replies}\n",
         $"            import time\n            time.sleep({seconds.ToString(CultureInfo.InvariantCulture)})\n            return {{\"Replies\": replies}}\n");

    /// <summary>A second named peer, which has no key of its own.</summary>
    public static (string Old, string New) WithPeer(string publicKey) =>
        ("        - - PublicKey: !Ref NamedPeerPublicKey\n", $"        - - PublicKey: {publicKey}\n          - PublicKey: !Ref NamedPeerPublicKey\n");

    /// <summary>The function fails in the way that the payload names: an error, or the end of its process.</summary>
    public static (string Old, string New) WithFailures { get; } =
        ("            replies = []\n",
         "            import os\n            text = base64.b64decode(event['Messages'][0]['Data'])\n            if text == b'raise': raise ValueError('as asked')\n            if text == b'exit': os._exit(3)\n            replies = []\n");

    /// <summary>Inner UDP payloads in place of inner packets.</summary>
    public static (string Old, string New) WithDecapsulatedDelivery { get; } =
        ("      AllowUnknownPeers: true\n", "      AllowUnknownPeers: true\n      DecapsulatedDelivery: true\n");

    /// <summary>Only this network may send.</summary>
    public static (string Old, string New) WithAllowedNetwork(string network) =>
        ("      AllowUnknownPeers: true\n", $"      AllowUnknownPeers: true\n      ClientRestrictions:\n        Networks: [{network}]\n");
}
